"""What somebody bought: their orders, newest first, a part of them, and what they paid in each month."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncMonth
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coinshop.accounts.models import User
from payments.models import Order, Refund

State = Order.State
PAGE = 30
MONTHS = 12


class Group(models.TextChoices):
    """How orders stand, as somebody looks for them."""

    DELIVERED = "delivered", _("Delivered")
    OPEN = "open", _("Under way")
    ENDED = "ended", _("Ended without coins")


STATES = {
    Group.DELIVERED: [State.SETTLED],
    Group.OPEN: [State.CREATED, State.OPENED, State.PROCESSING, State.PAID],
    Group.ENDED: [State.EXPIRED, State.CANCELLED, State.FAILED],
}


@dataclass(frozen=True)
class Part:
    """Which orders: of one group, of one month where the reader lives, or all."""

    group: Group | None = None
    month: date | None = None

    def of(self, buyer: User) -> QuerySet[Order]:
        """The orders, newest first, each with what of its money went back, in minor units, as `given_minor`."""
        mine = buyer.orders.select_related("recipient").annotate(given_minor=_given()).order_by("-created_at", "-pk")
        if self.group:
            mine = mine.filter(state__in=STATES[self.group])
        if self.month:
            mine = mine.filter(created_at__gte=_begin(self.month), created_at__lt=_begin(_next(self.month)))
        return mine


def page(part: Part, buyer: User, *, before: UUID | None) -> tuple[list[Order], UUID | None]:
    """Some orders, and after which one the older ones begin; nobody where there are none."""
    orders = part.of(buyer)
    if before and (last := buyer.orders.filter(pk=before).first()):
        orders = orders.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk))
    found = [*orders[: PAGE + 1]]
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None


def months(buyer: User) -> list[date]:
    """The months in which somebody ordered, newest first, as firsts of the month where the reader lives."""
    begun = buyer.orders.order_by().annotate(month=TruncMonth("created_at")).values_list("month", flat=True).distinct()
    return sorted({timezone.localtime(month).date() for month in begun}, reverse=True)


def paid_by_month(buyer: User) -> dict[str, dict[date, int]]:
    """What somebody paid in each of the last twelve months and did not get back, in minor units, by currency."""
    last = timezone.localdate().replace(day=1)
    wanted = [*_last_months(last)]
    settled = buyer.orders.filter(state=State.SETTLED, settled_at__gte=_begin(wanted[0]))
    sums = (
        settled.order_by()
        .annotate(given_minor=_given(), month=TruncMonth("settled_at"))
        .values_list("currency", "month")
        .annotate(paid=Sum("price_minor"), given=Sum("given_minor"))
    )
    paid: dict[str, dict[date, int]] = {}
    for currency, month, amount, given in sums:
        of_currency = paid.setdefault(currency, dict.fromkeys(wanted, 0))
        of_currency[timezone.localtime(month).date()] += amount - given
    return paid


def _given() -> Coalesce:
    given = Refund.objects.filter(Refund.TAKES, order=OuterRef("pk"), payment__is_surplus=False).order_by()
    return Coalesce(Subquery(given.values("order").annotate(total=Sum("amount_minor")).values("total")), 0)


def _last_months(last: date) -> Iterator[date]:
    for back in range(MONTHS - 1, -1, -1):
        number = last.year * 12 + last.month - 1 - back
        yield date(number // 12, number % 12 + 1, 1)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))
