"""How many coins are never spent: what is left of those sold in each month, now and when they were of some age.

It reads everybody's whole history, so it takes its time. Coins that were returned for their money count as never sold.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from payments.models import Order
from payments.revenue import net_prices
from wallet import ledger
from wallet.ledger import Lot

AGES = (6, 12, 24)  # months
WHOLE_BP = 10_000


@dataclass
class Cohort:
    """The coins that were sold in one month for one currency."""

    month: date
    currency: str
    sold: int = 0
    left: int = 0
    left_at: dict[int, int] = field(default_factory=lambda: dict.fromkeys(AGES, 0))

    @property
    def spent(self) -> int:
        return self.sold - self.left

    def left_bp(self, age: int | None, now: datetime) -> int | None:
        """What share was left at an age in months, or is left now; None while some of the coins are younger."""
        if not self.sold or (age is not None and months_later(self.month, age + 1) > now.date()):
            return None
        return (self.left if age is None else self.left_at[age]) * WHOLE_BP // self.sold


def cohorts() -> list[Cohort]:
    """Every month and currency in which coins were sold, in order."""
    found: dict[tuple[date, str], Cohort] = {}
    recipients = Order.objects.filter(state=Order.State.SETTLED).order_by("recipient_id").values_list("recipient_id")
    for (person,) in recipients.distinct().iterator():
        for at, lot, left_at in _lots_of(person):
            key = at.date().replace(day=1), lot.currency
            cohort = found.setdefault(key, Cohort(*key))
            cohort.sold += lot.coins - lot.returned
            cohort.left += lot.left
            for age in AGES:
                cohort.left_at[age] += left_at[age]
    return [found[key] for key in sorted(found)]


def months_later(day: date, months: int) -> date:
    """The same day some months later, or the first of the month after where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        return date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)


def _lots_of(person: int) -> Iterator[tuple[datetime, Lot, dict[int, int]]]:
    """A person's bought lots: when each was sold, and what was left at each age. Restored coins were never spent."""
    book = ledger.book_of(person, net_prices, whole=True)
    at = {line.transfer_id: line.at for line in ledger.every_line(ledger.coins_of(person))}
    spent_early = {(number, age): 0 for number in book.lots for age in AGES}
    for debit, portions in book.taken.items():
        for portion in portions:
            for age in AGES:
                is_early = at[debit].date() < months_later(at[portion.lot].date(), age)
                if is_early and not portion.is_return:
                    spent_early[portion.lot, age] += portion.coins
    for number, lot in book.lots.items():
        if lot.currency:
            sold = lot.coins - lot.returned
            yield at[number], lot, {age: sold - spent_early[number, age] for age in AGES}
