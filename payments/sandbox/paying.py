"""What happens between the button and the answer."""

from __future__ import annotations

from . import charges, checkout, events, intents
from .cards import Card, Decline
from .drawer import Drawer
from .errors import DOCS
from .store import Object


def pay(drawer: Drawer, session: Object, card: Card, email: str) -> Decline | None:
    """Try a card on an open session; the caller holds the transaction, so two buttons pay once.

    A declined card leaves the session open for another try, and returns why.
    """
    intent = intents.of_session(drawer, session)
    charge = charges.make(drawer, intent, card, email)
    if card.decline is not None:
        _fail(drawer, intent, charge, card.decline)
    else:
        _succeed(drawer, session, intent, charge, email)
    return card.decline


def _succeed(drawer: Drawer, session: Object, intent: Object, charge: Object, email: str) -> None:
    paid = {
        **intent,
        "amount_received": charge["amount"],
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "payment_method": charge["payment_method"],
        "status": "succeeded",
    }
    drawer.store.save(paid)
    events.record(drawer, "charge.succeeded", charge)
    events.record(drawer, "payment_intent.succeeded", paid)
    checkout.complete(drawer, session, intent["id"], email)


def _fail(drawer: Drawer, intent: Object, charge: Object, decline: Decline) -> None:
    failed = {**intent, "latest_charge": charge["id"], "last_payment_error": _error(charge, decline)}
    drawer.store.save(failed)
    events.record(drawer, "charge.failed", charge)
    events.record(drawer, "payment_intent.payment_failed", failed)


def _error(charge: Object, decline: Decline) -> Object:
    return {
        "charge": charge["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": DOCS + decline.code.replace("_", "-"),
        "message": decline.message,
        "payment_method": _payment_method(charge),
        "type": "card_error",
    }


def _payment_method(charge: Object) -> Object:
    card = charge["payment_method_details"]["card"]
    shared = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    return {
        "id": charge["payment_method"],
        "object": "payment_method",
        "billing_details": charge["billing_details"],
        "card": {name: card[name] for name in shared},
        "created": charge["created"],
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
