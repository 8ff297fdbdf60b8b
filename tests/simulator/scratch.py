"""A migrated database of its own for each run, thrown away afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import real_services
from django.db import connection, connections

NAME = "test_simulator"


@contextmanager
def scratch_database() -> Iterator[None]:
    """Until its end, the connections of every thread lead to a new database. Needs the services to run."""
    where = connections.settings["default"]  # the threads' connections share it
    usual = where["NAME"]
    real_services.create_database(NAME)
    connection.close()
    where["NAME"] = NAME
    try:
        yield
    finally:
        connection.close()
        where["NAME"] = usual
        real_services.drop_database(NAME)
