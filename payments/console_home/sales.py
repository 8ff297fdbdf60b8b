"""What came in today, beside a week ago, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import get_language

from coinshop import plots
from payments import money
from payments.console_home.words import clock, midnight
from payments.models import Dispute, Payment, Refund

WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Sold:
    """What came in one currency today. `change` is in percent of a week ago at this time; None: nothing came then."""

    currency: str
    amount: str
    orders: int
    change: int | None

    @property
    def fall(self) -> int:
        return -(self.change or 0)


@dataclass(frozen=True)
class Sales:
    """Money that came today, before anything was given back. Currencies do not add up; the one sold most is first."""

    currencies: list[Sold]
    orders: int
    hours: list[plots.Bar]


@dataclass(frozen=True)
class Till:
    """One currency's money of today: what was paid, with how much tax in it, what went back, and what is left."""

    currency: str
    paid: str
    tax: str
    refunded: str
    disputed: str
    left: str


def sales(now: datetime) -> Sales:
    """Today's sales until now."""
    local = timezone.localtime(now)
    today = midnight(local)
    is_today, is_week_ago = Q(recorded_at__gte=today), Q(recorded_at__gte=today - WEEK, recorded_at__lt=local - WEEK)
    came = Payment.objects.filter(Payment.GOOD, is_today | is_week_ago, is_surplus=False).order_by()
    rows = came.annotate(is_today=is_today, hour=ExtractHour("recorded_at")).values_list("currency", "is_today", "hour")
    sums = [*rows.annotate(orders=Count("pk"), minor=Sum("amount_minor"))]
    hours = [sum(orders for _c, is_now, at, orders, _m in sums if is_now and at == hour) for hour in range(24)]
    sold = [_sold(currency, sums) for currency in sorted({currency for currency, *_rest in sums})]
    return Sales(
        currencies=sorted(sold, key=lambda one: -one.orders),
        orders=sum(hours),
        hours=plots.bars(
            [(clock(2 * hour), orders, str(localize(orders))) for hour, orders in enumerate(hours)], named_every=6
        ),
    )


def _sold(currency: str, sums: list[tuple[str, bool, int, int, int]]) -> Sold:
    of_it = [row for row in sums if row[0] == currency]
    minor = sum(minor for _c, is_now, _h, _o, minor in of_it if is_now)
    before = sum(minor for _c, is_now, _h, _o, minor in of_it if not is_now)
    return Sold(
        currency=currency,
        amount=money.display(minor, currency, language=get_language() or "en"),
        orders=sum(orders for _c, is_now, _h, orders, _m in of_it if is_now),
        change=round((minor - before) * 100 / before) if before else None,
    )


def tills(now: datetime) -> list[Till]:
    """Today's money, currency by currency. The provider's fees are known the next morning and are not among it."""
    today = midnight(timezone.localtime(now))
    paid = Payment.objects.filter(Payment.GOOD, recorded_at__gte=today, is_surplus=False)
    by_currency = (
        paid.order_by().values_list("currency").annotate(paid=Sum("amount_minor"), tax=Sum("order__tax_minor"))
    )
    came = {currency: (amount, tax) for currency, amount, tax in by_currency}
    back = _sum(Refund.objects.filter(Refund.TAKES, created_at__gte=today))
    taken = _sum(Dispute.objects.filter(is_withdrawn=True, created_at__gte=today))
    return [
        _till(currency, *came.get(currency, (0, 0)), back.get(currency, 0), taken.get(currency, 0))
        for currency in sorted({*came, *back, *taken})
    ]


def _sum(rows: QuerySet[Any]) -> dict[str, int]:
    return dict(rows.order_by().values_list("currency").annotate(minor=Sum("amount_minor")))


def _till(currency: str, paid: int, tax: int, refunded: int, disputed: int) -> Till:
    def told(minor: int) -> str:
        return money.display(minor, currency, language=get_language() or "en")

    return Till(
        currency=currency,
        paid=told(paid),
        tax=told(tax),
        refunded=told(-refunded),
        disputed=told(-disputed),
        left=told(paid - refunded - disputed),
    )
