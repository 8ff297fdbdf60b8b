"""A paid order becomes coins, once. Three callers: the worker, the sweep, and the page people come back to."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from payments import gateway
from payments.gateway import Evidence
from payments.models import Order, Payment
from payments.models.orders import poll_after
from wallet import ledger
from wallet.ledger import TransferKind


@transaction.atomic
def settle(order_id: UUID, evidence: Evidence) -> Order:
    """Credit the recipient's coins for an order that the provider says is paid. Safe to repeat, and to race.

    Money that does not agree with the order is kept with the reason, for a person to look at, and money that comes a
    second time as a surplus; neither is credited. Raises Order.DoesNotExist.
    """
    order = Order.objects.select_for_update().get(pk=order_id)
    if not evidence.is_paid:
        return order
    payment = _record(order, evidence)
    if order.is_settled or not payment.settles:
        return order
    _credit(order)
    order.state, order.settled_at, order.poll_at = Order.State.SETTLED, timezone.now(), None
    order.save(update_fields=["state", "settled_at", "poll_at"])
    return order


def _record(order: Order, evidence: Evidence) -> Payment:
    """The payment row of this money: written the first time, found every other time."""
    intent_id = evidence.intent_id or f"none of {evidence.session_id}"
    if known := Payment.objects.filter(intent_id=intent_id, order=order).first():
        return known
    disagreement = disagreement_of(order, evidence)
    payment = Payment.objects.create(
        order=order,
        intent_id=intent_id,
        session_id=evidence.session_id,
        amount_minor=evidence.amount_minor,
        currency=evidence.currency,
        is_live=evidence.is_live,
        is_surplus=order.is_settled,
        disagreement=disagreement,
    )
    order.note(
        "paid" if payment.settles else "surplus" if payment.is_surplus else "disagreed", reference=payment.intent_id
    )
    if disagreement and not order.is_settled:
        order.state, order.poll_at = Order.State.PAID, None
        order.save(update_fields=["state", "poll_at"])
    return payment


def disagreement_of(order: Order, evidence: Evidence) -> str:
    """Why this money cannot be for this order as it was made; an empty string when everything agrees."""
    if not evidence.intent_id:
        return "it names no payment"
    if set(evidence.order_ids) != {str(order.pk)}:
        return f"it names {', '.join(evidence.order_ids) or 'no order'}"
    if evidence.currency != order.currency:
        return f"it is in {evidence.currency}, the order in {order.currency}"
    if evidence.amount_minor != order.price_minor:
        return f"it is {evidence.amount_minor}, the order {order.price_minor} {order.currency} in minor units"
    if evidence.is_live != gateway.is_live():
        return "test money in a shop that takes real money" if gateway.is_live() else "real money in a test shop"
    return ""


def _credit(order: Order) -> None:
    """Coins to the recipient, a debt of theirs paid first; money for coins not spent yet, and its tax, to the books."""
    person, cause = order.recipient_id, f"order:{order.pk}"
    sale = ledger.post(TransferKind.SALE, person=person, amount=order.coins, key=order.key("sale"), cause=cause)
    if order.bonus:
        ledger.post(TransferKind.BONUS, person=person, amount=order.bonus, key=order.key("bonus"), cause=cause)
    if ledger.balances(person).receivable:
        ledger.repay(person, key=order.key("repay"), cause=cause)
    for kind, amount in [(TransferKind.MONEY_SOLD, order.net_minor), (TransferKind.MONEY_TAXED, order.tax_minor)]:
        if amount:
            key = order.key(kind.name)
            ledger.post(kind, person=person, amount=amount, currency=order.currency, key=key, cause=cause)
    order.note("settled", reference=str(sale.transfer_id))


@transaction.atomic
def expire(order_id: UUID) -> Order:
    """End an order that nobody paid in time; money that comes later still settles it. Raises Order.DoesNotExist."""
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.can_be_paid:
        order.state, order.poll_at = Order.State.EXPIRED, None
        order.save(update_fields=["state", "poll_at"])
        order.note("expired")
    return order


def follow(evidence: Evidence) -> Order | None:
    """Do what evidence asks for; None when it speaks of no order of ours."""
    order_id = evidence.order_id
    order = Order.objects.filter(pk=order_id).first() if order_id else None
    if order is None:
        return None
    if evidence.is_paid:
        return settle(order.pk, evidence)
    if evidence.status == "expired" and order.session_id == evidence.session_id:
        return expire(order.pk)
    return order


def ask(order: Order) -> Order:
    """Ask the provider about an order and do what it says. Raises gateway.ProviderAway and ProviderRefused."""
    if not order.session_id:
        return order
    evidence = gateway.fetch(order.session_id)
    return follow(evidence) or order


def poll(order: Order) -> Order:
    """Ask about an order that was due, and set when to ask again. Raises as `ask` does."""
    order = ask(order)
    if order.can_be_paid:
        order.polls += 1
        order.poll_at = poll_after(order.polls, timezone.now())
        Order.objects.filter(pk=order.pk, state=order.state).update(polls=order.polls, poll_at=order.poll_at)
    return order
