"""Money paid for coins is owed until they are spent. Then it becomes revenue: once a day, from the lots bought."""

import logging
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from payments.models import Order
from wallet import ledger
from wallet.ledger import TransferKind

log = logging.getLogger(__name__)

# Coins that go this way are given back or never were earned; every other way out of an account is spending.
NOT_SPENDING = {TransferKind.TAKEN_BACK}


def recognise(since: datetime) -> int:
    """Bring the revenue of everybody whose coins moved since a moment up to date; how many postings that took.

    What is posted is the difference between what their spending comes to and what was recognised before, so running it
    twice, late, or from two workers changes nothing.
    """
    return sum(_recognise(person) for person in ledger.spenders_since(since))


def earned_from(person: int) -> dict[str, int]:
    """What a person's spent coins had cost, net of tax, in minor units by currency."""
    book = ledger.book_of(person, net_prices)
    spent: dict[str, int] = {}
    for line in ledger.every_line(ledger.coins_of(person)):
        if line.amount < 0 and line.kind not in NOT_SPENDING:
            for currency, cost in book.cost_of(line.transfer_id).items():
                spent[currency] = spent.get(currency, 0) + cost
    return spent


def net_prices(causes: set[str]) -> Mapping[str, tuple[int, str]]:
    """What was paid for orders, net of tax, by the ledger's name for them."""
    orders = Order.objects.filter(pk__in=[cause.removeprefix("order:") for cause in causes])
    return {f"order:{order.pk}": (order.net_minor, order.currency) for order in orders}


@transaction.atomic
def _recognise(person: int) -> int:
    target, before = earned_from(person), ledger.recognised(person)
    changes = {
        currency: target.get(currency, 0) - before.get(currency, 0) for currency in target.keys() | before.keys()
    }
    for currency, change in changes.items():
        if change:
            ledger.post(
                TransferKind.MONEY_EARNED if change > 0 else TransferKind.MONEY_DEFERRED,
                person=person,
                amount=abs(change),
                currency=currency,
                key=ledger.key_of("revenue", person, currency, before.get(currency, 0), target.get(currency, 0)),
                cause=f"person:{person}",
            )
    return sum(1 for change in changes.values() if change)
