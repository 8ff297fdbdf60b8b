"""What each type of event means to us: one table. An event is a hint at what happened; evidence is what counts."""

from collections.abc import Callable
from typing import Any

from payments import aftermath, gateway, settlement
from payments.models import Order


def checkout_changed(event: dict[str, Any]) -> str:
    """A checkout session was paid or expired: look at it, from the event itself where that is enough."""
    if event.get("account"):
        return "it is of an account connected to ours"
    session_id = gateway.session_of(event)
    if not session_id:
        return "it speaks of no checkout session"
    order = settlement.follow(gateway.evidence_in(event) or gateway.fetch(session_id))
    return "" if order else "it speaks of no order of ours"


def payment_changed(event: dict[str, Any]) -> str:
    """Money of a payment went back, or somebody says it should: look at all that became of it."""
    if event.get("account"):
        return "it is of an account connected to ours"
    intent_id = gateway.intent_of(event)
    if not intent_id:
        return "it speaks of no payment"
    return "" if aftermath.look(intent_id) else "it speaks of no payment of ours"


def payment_declined(event: dict[str, Any]) -> str:
    """A try to pay failed. The order waits on; its page says why, and what to do."""
    decline = None if event.get("account") else gateway.decline_in(event)
    order = Order.objects.filter(pk=decline.order_id).first() if decline else None
    if decline is None or order is None:
        return "it speaks of no order of ours"
    order.note("declined", reference=decline.reference, code=decline.code)
    return ""


def card_charged(event: dict[str, Any]) -> str:
    """A card paid. One of another country than its buyer's is worth a line for support; it is no reason for doubt."""
    card = None if event.get("account") else gateway.card_in(event)
    order = Order.objects.filter(pk=card.order_id).first() if card else None
    if card is None or order is None:
        return "it speaks of no order of ours"
    if card.country != order.country:
        order.note("abroad", reference=card.charge_id, country=card.country)
    return ""


# What an order's coins and money hang on: read again after an outage.
MATTERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "checkout.session.completed": checkout_changed,
    "checkout.session.async_payment_succeeded": checkout_changed,
    "checkout.session.async_payment_failed": checkout_changed,
    "checkout.session.expired": checkout_changed,
    "refund.created": payment_changed,
    "refund.updated": payment_changed,
    "refund.failed": payment_changed,
    "charge.refunded": payment_changed,
    "charge.refund.updated": payment_changed,
    "charge.dispute.created": payment_changed,
    "charge.dispute.updated": payment_changed,
    "charge.dispute.closed": payment_changed,
    "charge.dispute.funds_withdrawn": payment_changed,
    "charge.dispute.funds_reinstated": payment_changed,
    "radar.early_fraud_warning.created": payment_changed,
    "radar.early_fraud_warning.updated": payment_changed,
}

# What is good to know while it is new.
ASIDES: dict[str, Callable[[dict[str, Any]], str]] = {
    "charge.succeeded": card_charged,
    "payment_intent.payment_failed": payment_declined,
}

HANDLERS = MATTERS | ASIDES
