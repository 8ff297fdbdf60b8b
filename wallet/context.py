"""The balance in the head of every page, read once and only by pages that show it."""

from functools import cache
from typing import Any

from django.http import HttpRequest

from wallet import ledger


def balance(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)  # a request that was refused early, such as one for a foreign host, has none
    if user is None or not user.is_authenticated:
        return {}
    person = user.pk
    return {"balance_coins": cache(lambda: ledger.balances(person).spendable)}
