"""Money that we give back: asked for by a person or by the shop itself, sent from its row, followed to its end."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from payments import money, outgoing
from payments.gateway import RefundSaid
from payments.models import Order, Payment, Refund


class NotRefundable(Exception):
    """A refund cannot be given. `args[0]` tells why, and what to do instead."""


@transaction.atomic
def ask(
    payment: Payment,
    amount_minor: int,
    *,
    reason: str,
    by: User | None,
    key: UUID,
    note: str = "",
    takes_at_once: bool = False,
) -> Refund:
    """Have money of a payment given back, in minor units of its currency. The same key is the same refund.

    With `takes_at_once` its coins count as gone before the provider has answered. It is sent by its outgoing row, soon
    after the transaction has committed. Raises NotRefundable.
    """
    order = Order.objects.select_for_update().get(pk=payment.order_id)
    if earlier := Refund.objects.filter(key=key).first():
        return earlier
    if objection := objection_to(payment, amount_minor):
        raise NotRefundable(objection)
    refund = Refund.objects.create(
        order=order,
        payment=payment,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason=reason,
        asked_by=by,
        note=note,
        key=key,
        takes_at_once=takes_at_once,
    )
    outgoing.write("refund", refund.pk)
    order.note("refund_asked", reference=str(refund.pk), by=by.handle if by else "")
    return refund


def refundable_minor(payment: Payment) -> int:
    """What of a payment was not given back yet, and is not about to be, in minor units."""
    given = payment.refunds.exclude(status__in=Refund.OVER).aggregate(total=Sum("amount_minor"))["total"]
    return payment.amount_minor - (given or 0)


def objection_to(payment: Payment, amount_minor: int) -> str:
    """Why so much of a payment cannot be given back, for the person who asks; empty when it can."""
    if payment.is_nameless:
        return _("The provider has no payment that this money could be given back of.")
    if payment.is_to_look_at:
        return _("This money waits for a decision. Send it back from the list of payments, or deliver its order first.")
    if any(dispute.forbids_refunds for dispute in payment.disputes.all()):
        return _(
            "The buyer's bank disputes this payment and has the money. A refund would give it away a second time: "
            "answer the dispute, or accept it."
        )
    left = refundable_minor(payment)
    if amount_minor > left:
        return _("Only %(left)s of this payment can still be given back.") % {
            "left": money.display(left, payment.currency, language=get_language() or "en")
        }
    if amount_minor <= 0:
        return _("Say how much to give back: more than nothing.")
    return ""


REFUSALS = {
    "charge_disputed": lambda: _("The buyer's bank disputes this payment: it gives the money back, or keeps it."),
    "charge_already_refunded": lambda: _("All of this payment was given back before."),
    "amount_too_large": lambda: _("More was asked for than is left of this payment."),
    "charge_not_refundable": lambda: _(
        "Payments by this method cannot be given back through the provider. Agree with the buyer on a bank transfer, "
        "and take the coins back by an adjustment."
    ),
}


def refuse(refund: Refund, *, code: str, said: str) -> None:
    """Write down that the provider will not give this money back, and why. Another try is another refund."""
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=refund.order_id)
        refund = Refund.objects.get(pk=refund.pk)
        if refund.status == Refund.Status.ASKED:
            refund.status, refund.failure = (
                Refund.Status.REFUSED,
                (REFUSALS[code]() if code in REFUSALS else said)[:500],
            )
            refund.save(update_fields=["status", "failure"])
            order.note("refund_ended", reference=str(refund.pk), why=refund.failure)


def record(payment: Payment, said: Iterable[RefundSaid]) -> None:
    """Write down what the provider says about the refunds of a payment: ours, and those made in its dashboard.

    Call it under the lock of the order.
    """
    for each in said:
        refund = _row_of(payment, each)
        was = refund.status if refund.stripe_id else ""
        refund.payment, refund.order = payment, payment.order  # the same money may have been noted at another order
        refund.stripe_id, refund.amount_minor, refund.currency = each.stripe_id, each.amount_minor, each.currency
        refund.status, refund.failure = each.status, each.failure[:500]
        refund.save()
        if refund.status != was:
            _note(refund)


def _row_of(payment: Payment, said: RefundSaid) -> Refund:
    if row := Refund.objects.filter(stripe_id=said.stripe_id).first():
        return row
    ours = Refund.objects.filter(payment__intent_id=payment.intent_id, stripe_id=None)
    if said.ours.isdecimal() and (row := ours.filter(pk=said.ours).first()):
        return row
    return Refund(reason=said.reason[:30], created_at=said.created_at)


def _note(refund: Refund) -> None:
    what = "refund_ended" if refund.status in Refund.OVER else "refunded"
    refund.order.note(what, reference=refund.stripe_id or "", amount_minor=refund.amount_minor, why=refund.failure)
