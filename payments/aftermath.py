"""What becomes of a payment after it was made: sent by us, done by others, and always looked at as a whole."""

from django.db import transaction

from payments import disputes, gateway, refunds, reversals, settlement
from payments.models import DisputeEvidence, Order, Outgoing, Payment, Refund


def look(intent_id: str) -> Order | None:
    """Ask for all refunds, disputes and warnings of a payment, and do what follows. None when it is not ours.

    Safe to repeat and to race: who finds under the lock that somebody else has looked since asks again, so that older
    evidence never overwrites newer. Raises gateway.ProviderAway and ProviderRefused.
    """
    payment = _payment_of(intent_id)
    if payment is None:
        return None
    while True:
        seen = Payment.objects.values_list("looks", flat=True).get(pk=payment.pk)
        said = gateway.aftermath_of(intent_id)
        if order := _follow(payment, said, seen):
            return order


def _payment_of(intent_id: str) -> Payment | None:
    """Our row of a payment. What comes before the news of the payment itself settles its order first."""
    known = Payment.objects.filter(intent_id=intent_id)
    if not known.exists() and (evidence := gateway.checkout_of(intent_id)):
        settlement.follow(evidence)
    return known.filter(Payment.GOOD).first() or known.first()


@transaction.atomic
def _follow(payment: Payment, said: gateway.Aftermath, seen: int) -> Order | None:
    order = Order.objects.select_for_update().get(pk=payment.order_id)
    payment = Payment.objects.get(pk=payment.pk)
    payment.order = order
    if payment.looks != seen:
        return None
    refunds.record(payment, said.refunds)
    disputes.record(payment, said.disputes, said.warnings)
    reversals.apply(order)
    payment.looks += 1
    payment.save(update_fields=["looks"])
    return order


def send_refund(row: Outgoing) -> str:
    """Send a refund that was asked for, once, and follow what became of it.

    A provider that says no to it ends the refund; one that could not be asked properly is tried again.
    """
    refund = Refund.objects.select_related("payment").get(pk=row.subject)
    intent_id = refund.payment.intent_id
    if row.look_first:
        look(intent_id)
        refund.refresh_from_db()
    if refund.status != Refund.Status.ASKED:
        return "" if refund.stripe_id else "it was refused before"
    try:
        gateway.create_refund(
            intent_id, amount_minor=refund.amount_minor, reason=refund.reason, ours=str(refund.pk), key=row.key
        )
    except gateway.ProviderRefused as refusal:
        if not refusal.code:
            raise
        refunds.refuse(refund, code=refusal.code, said=str(refusal))
    look(intent_id)  # also after a refusal: what stands in the way may be news to us
    return ""


def send_evidence(row: Outgoing) -> str:
    """Hand evidence to the bank, unless it is too late for it. Said twice it is the same, so nothing is looked up."""
    evidence = DisputeEvidence.objects.select_related("dispute__payment").get(pk=row.subject)
    dispute, intent_id = evidence.dispute, evidence.dispute.payment.intent_id
    try:
        gateway.submit_evidence(dispute.stripe_id, evidence.fields, key=row.key)
    except gateway.ProviderRefused as refusal:
        if not refusal.code:
            raise
        evidence.failure = str(refusal)[:500]
        evidence.save(update_fields=["failure"])
    look(intent_id)
    return evidence.failure
