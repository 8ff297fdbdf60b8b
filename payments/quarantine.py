"""Money that does not agree with its order waits for a person. What they decide, and why, stays beside it for good."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from payments import gateway, refunds, settlement
from payments.models import Order, Payment


class Undecidable(Exception):
    """A decision cannot be taken. `args[0]` tells why, and what to do instead."""


@transaction.atomic
def deliver(payment_id: int, *, by: User, reason: str) -> Payment:
    """Give the coins of an order as it was made, whatever came for it: the shop bears, or keeps, the difference.

    Raises Undecidable.
    """
    payment = _waiting(payment_id)
    if payment.order.is_settled:
        raise Undecidable(_("The coins of this order were delivered already. Send this money back."))
    if payment.is_live != gateway.is_live():
        raise Undecidable(_("This is not the kind of money that this shop takes: nothing was paid."))
    if Payment.objects.filter(Payment.GOOD, intent_id=payment.intent_id).exists():
        raise Undecidable(_("Another order was delivered for this very money. Say that it belongs to that order."))
    _decide(payment, Payment.Decision.DELIVERED, by, reason)
    payment.order.note("accepted", reference=payment.intent_id)
    settlement.deliver(payment.order, payment)
    return payment


@transaction.atomic
def send_back(payment_id: int, *, by: User, reason: str) -> Payment:
    """Give all of the money back, and let the order go. Raises Undecidable."""
    payment = _waiting(payment_id)
    _decide(payment, Payment.Decision.RETURNED, by, reason)
    try:
        key = payment.order.key(f"return {payment.intent_id}")
        refunds.ask(payment, payment.amount_minor, reason="", by=by, key=key, note=reason)
    except refunds.NotRefundable as objection:
        raise Undecidable(str(objection)) from None
    _let_go(payment)
    return payment


@transaction.atomic
def move(payment_id: int, *, number: str, by: User, reason: str) -> Payment:
    """Give money to the order that it was paid for, which it must agree with in full, and let the other one go.

    Raises Undecidable.
    """
    named = Order.objects.filter(number=number.strip().upper()).first()
    if named is None:
        raise Undecidable(_("There is no order %(number)s.") % {"number": number})
    payment = _waiting(payment_id, also=named)
    if named.pk == payment.order_id:
        raise Undecidable(_("The money is at this order already. Deliver it anyway, or send it back."))
    if not Payment.objects.filter(Payment.GOOD, order=named, intent_id=payment.intent_id).exists():
        _take_over(named, payment)
    _decide(payment, Payment.Decision.MOVED, by, reason)
    _let_go(payment)
    return payment


def _take_over(order: Order, payment: Payment) -> None:
    evidence = gateway.Evidence(
        session_id=payment.session_id,
        order_ids=(str(order.pk),),  # as the person says, who has looked
        status="complete",
        is_paid=True,
        intent_id="" if payment.is_nameless else payment.intent_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        is_live=payment.is_live,
    )
    if objection := settlement.disagreement_of(order, evidence):
        raise Undecidable(_("It does not fit order %(number)s: %(why)s.") % {"number": order, "why": objection})
    settlement.settle(order.pk, evidence)


def _waiting(payment_id: int, also: Order | None = None) -> Payment:
    """The payment under the lock of its order, and of the other one if there is one, in the order of their ids."""
    payment = Payment.objects.get(pk=payment_id)
    ids = {payment.order_id, also.pk if also else payment.order_id}
    orders = {order.pk: order for order in Order.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    payment.refresh_from_db()
    if not payment.is_to_look_at:
        raise Undecidable(_("Somebody has decided about this money before."))
    payment.order = orders[payment.order_id]
    return payment


def _decide(payment: Payment, decision: Payment.Decision, by: User, reason: str) -> None:
    payment.decision, payment.decided_by, payment.decided_at = decision, by, timezone.now()
    payment.decision_reason = reason
    payment.save(update_fields=["decision", "decided_by", "decided_at", "decision_reason"])


def _let_go(payment: Payment) -> None:
    """The order is without this money. If it has no other it is over, and may be paid late like any that is."""
    order = payment.order
    order.note(payment.decision, reference=payment.intent_id)
    waits = order.payments.filter(Payment.TO_LOOK_AT).exists()
    if order.state == Order.State.PAID and not waits:
        order.state = Order.State.CANCELLED
        order.save(update_fields=["state"])
