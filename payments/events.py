"""What each type of event means to us: one table. An event is a hint at what happened; evidence is what counts."""

from collections.abc import Callable
from typing import Any

from payments import aftermath, gateway, settlement


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


HANDLERS: dict[str, Callable[[dict[str, Any]], str]] = {
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
