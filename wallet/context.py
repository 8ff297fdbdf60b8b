"""The balance in the head of every page, read once and only by pages that show it."""

from functools import cache
from typing import Any

from django.http import HttpRequest

from wallet import ledger


def balance(request: HttpRequest) -> dict[str, Any]:
    if not request.user.is_authenticated or request.user.pk is None:
        return {}
    person = request.user.pk
    return {"balance_coins": cache(lambda: ledger.balances(person).spendable)}
