"""A paid order becomes coins, once. Three callers: the worker, the sweep, and the page people come back to."""

import logging
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from payments import cases, gateway, outgoing, refunds, reversals
from payments.gateway import Evidence
from payments.models import Order, Payment, Refund
from payments.models.orders import NAMELESS, poll_after
from wallet import ledger
from wallet.ledger import TransferKind

log = logging.getLogger(__name__)


@transaction.atomic
def settle(order_id: UUID, evidence: Evidence) -> Order:
    """Credit the recipient's coins for an order that the provider says is paid. Safe to repeat, and to race.

    Money that does not agree with the order is kept with the reason, for a person to look at, and money that comes a
    second time as a surplus, which is given back; neither is credited. Raises Order.DoesNotExist.
    """
    order = Order.objects.select_for_update().get(pk=order_id)
    if not evidence.is_paid:
        return order
    payment = _record(order, evidence)
    if not order.is_settled and payment.settles:
        deliver(order, payment)
    return order


def deliver(order: Order, payment: Payment) -> None:
    """Coins to the recipient of an order that is paid for. Call it under the lock of the order."""
    _credit(order)
    order.state, order.settled_at, order.poll_at = Order.State.SETTLED, timezone.now(), None
    order.save(update_fields=["state", "settled_at", "poll_at"])
    cases.close_healed(order)
    outgoing.write("receipt_mail", order.pk)
    if order.session_id not in (None, payment.session_id):
        outgoing.write("close_page", order.pk)  # nobody should pay a second time
    reversals.apply(order)  # money that came for a while to be checked may have gone back before


def _record(order: Order, evidence: Evidence) -> Payment:
    """The payment row of this money: written the first time, found every other time."""
    intent_id = evidence.intent_id or f"{NAMELESS}{evidence.session_id}"
    if known := Payment.objects.filter(intent_id=intent_id, order=order).first():
        return known
    disagreement = (disagreement_of(order, evidence) or _other_use_of(intent_id))[:200]
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
    if disagreement:
        transaction.on_commit(lambda: log.critical("payment %s of order %s: %s", intent_id, order, disagreement))
    if payment.is_surplus and not disagreement:
        reason, key = Refund.Reason.DUPLICATE, order.key(f"surplus {intent_id}")
        refunds.ask(payment, payment.amount_minor, reason=reason, by=None, key=key)
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


def _other_use_of(intent_id: str) -> str:
    other = Payment.objects.filter(Payment.GOOD, intent_id=intent_id).select_related("order").first()
    return f"order {other.order} was delivered for it" if other else ""


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
        _end(order, Order.State.EXPIRED)
    return order


@transaction.atomic
def cancel(order_id: UUID) -> Order:
    """End an order whose buyer does not want it any more, once its page is closed. Raises Order.DoesNotExist.

    The provider's word that the page was closed may come first and call the order expired.
    """
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.can_be_paid or order.state == Order.State.EXPIRED:
        _end(order, Order.State.CANCELLED)
    return order


def follow(evidence: Evidence) -> Order | None:
    """Do what evidence asks for; None when it speaks of no order of ours."""
    order_id = evidence.order_id
    if order_id is None or not Order.objects.filter(pk=order_id).exists():
        return None
    return settle(order_id, evidence) if evidence.is_paid else _note_unpaid(order_id, evidence)


@transaction.atomic
def _note_unpaid(order_id: UUID, evidence: Evidence) -> Order:
    """What the order's page says without money: it ended, or its buyer is done and the money takes days or failed.

    That the page is the order's own is asked under the lock: another try may replace it at any moment.
    """
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.session_id != evidence.session_id or not order.is_waiting:
        return order
    if evidence.status == "expired":
        _end(order, Order.State.EXPIRED)
    elif evidence.has_failed:
        _end(order, Order.State.FAILED, reference=evidence.intent_id, code=evidence.failure)
    elif evidence.status == "complete" and order.can_be_paid:
        _expect(order, evidence)
    return order


def _end(order: Order, state: Order.State, *, reference: str = "", **detail: str) -> None:
    order.state, order.poll_at = state, None
    order.save(update_fields=["state", "poll_at"])
    order.note(state.value, reference=reference, **detail)


def _expect(order: Order, evidence: Evidence) -> None:
    """A voucher is to be paid, or a bank to answer."""
    order.state = Order.State.PROCESSING
    order.save(update_fields=["state"])
    due_at = evidence.due_at.isoformat() if evidence.due_at else ""
    order.note("processing", reference=evidence.intent_id, due_at=due_at, voucher_url=evidence.voucher_url)


def ask(order: Order) -> Order:
    """Ask the provider about an order and do what it says. Raises gateway.ProviderAway and ProviderRefused."""
    if not order.session_id:
        return order
    order = follow(gateway.fetch(order.session_id)) or order
    Order.objects.filter(pk=order.pk).update(answered_at=timezone.now())
    return order


def poll(order: Order) -> Order:
    """Ask about an order that was due, and set when to ask again. Raises as `ask` does."""
    order = ask(order)
    if order.is_waiting:
        order.polls += 1
        order.poll_at = poll_after(order.polls, timezone.now())
        Order.objects.filter(pk=order.pk, state=order.state).update(polls=order.polls, poll_at=order.poll_at)
    return order
