"""What the buyer's bank says: disputes that take money, inquiries that only ask, and warnings before either."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from coinshop.accounts import pauses
from coinshop.accounts.models import User
from payments import outgoing
from payments.gateway import DisputeSaid, WarningSaid
from payments.models import Dispute, DisputeEvidence, FraudWarning, Order, Payment

MOST_TEXT = 150_000  # characters, in all fields of a dispute's evidence together


class NotSubmittable(Exception):
    """Evidence cannot be handed in. `args[0]` tells why."""


NOTED = {  # what a status is called in an order's timeline; others change nothing for the people who read it
    "warning_needs_response": "inquiry",
    "needs_response": "disputed",
    "won": "dispute_won",
    "lost": "dispute_lost",
}


def record(payment: Payment, disputes: Iterable[DisputeSaid], warnings: Iterable[WarningSaid]) -> None:
    """Write down what the provider says about a payment's disputes and warnings. Call it under the lock of the order.

    While a bank only asks or warns nothing is taken, and the buyer cannot spend: coins that are gone cannot be taken.
    """
    for dispute in disputes:
        _record_dispute(payment, dispute)
    for warning in warnings:
        _record_warning(payment, warning)


def _record_dispute(payment: Payment, said: DisputeSaid) -> None:
    facts = {
        "order": payment.order,
        "payment": payment,
        "amount_minor": said.amount_minor,
        "currency": said.currency,
        "reason": said.reason[:50],
        "status": said.status[:50],
        "is_withdrawn": said.is_withdrawn,
        "due_by": said.due_by,
    }
    dispute, _is_new = Dispute.objects.update_or_create(
        stripe_id=said.stripe_id, defaults=facts, create_defaults=facts | {"created_at": said.created_at}
    )
    if what := NOTED.get(dispute.status):
        payment.order.note(what, reference=dispute.stripe_id, reason=dispute.reason)
    _pause(payment, f"dispute:{dispute.stripe_id}", is_open=dispute.is_inquiry and not dispute.is_over)


def _record_warning(payment: Payment, said: WarningSaid) -> None:
    facts = {"payment": payment, "is_actionable": said.is_actionable, "fraud_type": said.fraud_type[:50]}
    warning, is_new = FraudWarning.objects.update_or_create(
        stripe_id=said.stripe_id, defaults=facts, create_defaults=facts | {"created_at": said.created_at}
    )
    if is_new:
        payment.order.note("warned", reference=warning.stripe_id, kind=warning.fraud_type)
    _pause(payment, f"warning:{warning.stripe_id}", is_open=warning.is_actionable)


def _pause(payment: Payment, cause: str, *, is_open: bool) -> None:
    if is_open:
        pauses.pause(payment.order.buyer_id, cause)
    else:
        pauses.resume(cause)


@transaction.atomic
def submit(dispute: Dispute, fields: dict[str, str], *, by: User) -> DisputeEvidence:
    """Have evidence handed to the bank, by its outgoing row. It is read once, so it is handed in once.

    Raises NotSubmittable.
    """
    order = Order.objects.select_for_update().get(pk=dispute.order_id)
    dispute = Dispute.objects.get(pk=dispute.pk)
    waiting = dispute.evidence.filter(failure="").exists() and not dispute.status.startswith("appeal_")
    if waiting or not dispute.awaits_evidence:
        raise NotSubmittable(_("Evidence for this dispute was handed in before, or the bank has decided."))
    if sum(len(text) for text in fields.values()) > MOST_TEXT:
        raise NotSubmittable(_("This is more text than the provider takes."))
    evidence = DisputeEvidence.objects.create(dispute=dispute, fields=fields, submitted_by=by)
    outgoing.write("evidence", evidence.pk)
    order.note("evidence", reference=str(evidence.pk), by=by.handle)
    return evidence
