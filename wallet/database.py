"""One question to the database, in SQL, and its rows."""

from typing import Any

from django.db import connection


def ask(sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
