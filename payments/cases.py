"""Who looks at an order when its coins do not come: a case, opened by its buyer or by the tracker itself."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from payments import outgoing
from payments.models import Case, Order, Payment

LATE = timedelta(minutes=10)
BATCH = 50


def report(order: Order, *, by: User, why: str) -> Case:
    """A question about an order. While one of theirs is open it is that one: nobody waits twice for one answer."""
    case, _is_new = Case.objects.get_or_create(
        order=order, state=Case.State.OPEN, opened_by__isnull=False, defaults={"opened_by": by, "why": why}
    )
    return case


def open_late() -> int:
    """Open a case, once an order, where somebody waits for coins longer than they should; how many that were."""
    late = [*_without_case(money_to_look_at())[:BATCH], *_without_case(unanswered())[:BATCH]]
    for order in late:
        Case.objects.get_or_create(order=order, opened_by=None, defaults={"why": why_late(order)})
    return len(late)


def money_to_look_at() -> QuerySet[Order]:
    """Orders whose money came, does not agree, and has waited for a person for a while."""
    waiting = Payment.objects.filter(Payment.TO_LOOK_AT, recorded_at__lt=timezone.now() - LATE)
    return Order.objects.filter(state=Order.State.PAID, pk__in=waiting.values("order"))


def unanswered() -> QuerySet[Order]:
    """Orders whose buyer came back from paying, and about which the provider has told us nothing ever since."""
    silent = Q(answered_at=None) | Q(answered_at__lt=F("returned_at"))
    return Order.objects.filter(silent, state=Order.State.OPENED, returned_at__lt=timezone.now() - LATE)


def _without_case(orders: QuerySet[Order]) -> QuerySet[Order]:
    return orders.filter(~Exists(Case.objects.filter(order=OuterRef("pk"), opened_by=None)))


def why_late(order: Order) -> str:
    if order.state == Order.State.PAID:
        return _("The payment does not agree with the order, and nobody has decided about it yet.")
    return _("The buyer came back from paying, and the payment provider does not answer since.")


def close_healed(order: Order) -> None:
    """The coins came: what the tracker opened by itself needs nobody any more."""
    case = Case.objects.filter(order=order, opened_by=None, state=Case.State.OPEN)
    case.update(state=Case.State.CLOSED, closed_at=timezone.now(), reply=_("The coins came."))


@transaction.atomic
def answer(case_id: int, *, by: User, reply: str) -> Case:
    """Close a case with words for its buyer. A case that is closed stays as it was answered first."""
    case = Case.objects.select_for_update().get(pk=case_id)
    if case.is_open:
        case.state, case.closed_at, case.closed_by, case.reply = Case.State.CLOSED, timezone.now(), by, reply
        case.save(update_fields=["state", "closed_at", "closed_by", "reply"])
        if case.opened_by_id:
            outgoing.write("case_mail", case.pk)
    return case
