"""The balance in the head of every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from wallet import ledger


def balance(request: HttpRequest) -> dict[str, Any]:
    if not request.user.is_authenticated or request.user.pk is None:
        return {}
    person = request.user.pk
    return {"balance_coins": SimpleLazyObject(lambda: ledger.balances(person).spendable)}
