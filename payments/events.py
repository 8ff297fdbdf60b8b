"""What each type of event means to us: one table. An event is a hint at what happened; evidence is what counts."""

from collections.abc import Callable
from typing import Any

from payments import gateway, settlement


def checkout_changed(event: dict[str, Any]) -> str:
    """A checkout session was paid or expired: look at it, from the event itself where that is enough."""
    session_id = gateway.session_of(event)
    if not session_id:
        return "it speaks of no checkout session"
    order = settlement.follow(gateway.evidence_in(event) or gateway.fetch(session_id))
    return "" if order else "it speaks of no order of ours"


HANDLERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "checkout.session.completed": checkout_changed,
    "checkout.session.async_payment_succeeded": checkout_changed,
    "checkout.session.expired": checkout_changed,
}
