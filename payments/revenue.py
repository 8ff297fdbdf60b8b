"""Money paid for coins is owed until they are spent. Then it becomes revenue: once a day, from the lots bought.

Some coins are never spent. Where the shop may keep their price and can tell from its own history how many they are
(`manage.py breakage`), that share becomes revenue along with the coins that are spent: IFRS 15 B44 to B47.
"""

import logging
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction

from payments.models import BreakageRate, Order
from wallet import ledger
from wallet.ledger import Lot, TransferKind

log = logging.getLogger(__name__)

BATCH = 200  # people whose revenue one task brings to another rate
WHOLE_BP = 10_000


def recognise(since: datetime) -> int:
    """Bring the revenue of everybody whose coins moved since a moment up to date; how many postings that took.

    What is posted is the difference between what their spending comes to and what was recognised before, so running it
    twice, late, or from two workers changes nothing.
    """
    return sum(_recognise(person) for person in ledger.spenders_since(since))


def earned_from(person: int) -> dict[str, int]:
    """What a person's spending has earned, net of tax, in minor units by currency."""
    book = ledger.book_of(person, net_prices)
    earned = dict(book.spent_before)  # of lots that are used up, all is earned at any rate
    for lot in book.lots.values():
        if lot.currency:
            earned[lot.currency] = earned.get(lot.currency, 0) + earned_of(lot, settings.BREAKAGE_BP)
    return earned


def earned_of(lot: Lot, breakage_bp: int) -> int:
    """What of a lot's price is earned when so many basis points of its coins are expected never to be spent.

    The price × spent ÷ (coins × (1 − rate)), never more than the price of what was not returned, rounded down: what is
    in doubt is still owed. At a rate of 0 it is what the spent coins had cost.
    """
    price = lot.cost_minor - lot.returned_minor
    return min(price, lot.spent_minor * WHOLE_BP // (WHOLE_BP - breakage_bp))


def apply_rate(after: int) -> int | None:
    """Bring the revenue of the next people who hold coins to the rate of the settings, if another one was applied last.

    People come in the order of their ids, from `after` on. Returns whom to go on after; None when all is done. Then
    the rate is written down, so the next one who asks has nothing to do. Safe to repeat, and to lose half way.
    """
    if BreakageRate.in_use() == settings.BREAKAGE_BP:
        return None
    people = ledger.holders(after=after, limit=BATCH)
    for person in people:
        _recognise(person)
    if len(people) == BATCH:
        return people[-1]
    BreakageRate.objects.create(basis_points=settings.BREAKAGE_BP)
    return None


def net_prices(causes: set[str]) -> Mapping[str, tuple[int, str]]:
    """What was paid for orders, net of tax, by the ledger's name for them."""
    orders = Order.objects.filter(pk__in=[cause.removeprefix("order:") for cause in causes])
    return {f"order:{order.pk}": (order.net_minor, order.currency) for order in orders}


@transaction.atomic
def _recognise(person: int) -> int:
    target, before = earned_from(person), ledger.recognised(person)
    posted = 0
    for currency in target.keys() | before.keys():
        was = before.get(currency, ledger.Recognised())
        if change := target.get(currency, 0) - was.amount:
            posted += _post(person, currency, change, was.last_id)
    return posted


def _post(person: int, currency: str, change: int, last_id: int) -> int:
    """Post what has changed since the last posting, which the key names: of two workers, one posts.

    The amounts would not do for a key: what is spent, refunded and spent again comes to the same amounts twice.
    """
    try:
        posted = ledger.post(
            TransferKind.MONEY_EARNED if change > 0 else TransferKind.MONEY_DEFERRED,
            person=person,
            amount=abs(change),
            currency=currency,
            key=ledger.key_of("revenue", person, currency, last_id),
            cause=f"person:{person}",
        )
    except ledger.IdempotencyConflict:  # another worker was first and saw less, or more; the next run sees the rest
        return 0
    return int(posted.is_new)
