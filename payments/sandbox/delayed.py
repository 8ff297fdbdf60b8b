"""Payments that take days: vouchers to pay at a counter, and debits that a bank may send back."""

from __future__ import annotations

from . import agenda, charges, checkout, events, intents
from .cards import Decline
from .drawer import Drawer
from .errors import ApiError
from .means import Means, unpacked
from .store import Object, field_is

SOON_S = 180
VOUCHER_LASTS_S = 3 * 86400
EXPIRED = Decline(
    "payment_intent_payment_attempt_expired",
    "expired",
    "The latest payment attempt of this PaymentIntent has expired.",
)
SENT_BACK = Decline(
    "payment_intent_payment_attempt_failed",
    "insufficient_funds",
    "The payment attempt failed: the bank sent the debit back.",
)


def begin(drawer: Drawer, session: Object, intent: Object, paid_with: Means) -> None:
    """The session is complete, and unpaid: the shop waits."""
    drawer.store.hide(intent["id"], means=paid_with.packed())
    if paid_with.method.way == "voucher":
        _print_voucher(drawer, intent, paid_with)
    else:
        _send_debit(drawer, intent, paid_with)
    checkout.complete(drawer, session, intent["id"], paid_with.email, is_paid=False)
    act, after_s = _fate(paid_with.email)
    agenda.plan(drawer, act, intent["id"], after_s=after_s)


def _fate(email: str) -> tuple[str, int]:
    """The e-mail address decides, as in Stripe's test mode. https://docs.stripe.com/payments/oxxo/accept-a-payment"""
    name = email.split("@")[0]
    for ending, fate in {
        "succeed_immediately": ("payment.settle", 0),
        "expire_immediately": ("payment.bounce", 0),
        "expire_with_delay": ("payment.bounce", SOON_S),
        "fill_never": ("payment.bounce", VOUCHER_LASTS_S),
    }.items():
        if name.endswith(ending):
            return fate
    return "payment.settle", SOON_S


def _print_voucher(drawer: Drawer, intent: Object, paid_with: Means) -> None:
    kind = f"{paid_with.type}_display_details"
    url = f"{drawer.public_url}/vouchers/{intent['id']}"
    shown = _voucher(paid_with.type, url, drawer.clock.now() + VOUCHER_LASTS_S)
    waiting = {
        **intent,
        "next_action": {kind: shown, "type": kind},
        "payment_method": paid_with.id,
        "status": "requires_action",
    }
    drawer.store.save(waiting)
    events.record(drawer, "payment_intent.requires_action", waiting)


def _voucher(kind: str, url: str, ends: int) -> Object:
    common = {"hosted_voucher_url": url}
    if kind == "oxxo":
        return {**common, "expires_after": ends, "number": "12345678901234657890123456789012"}
    if kind == "multibanco":
        return {**common, "expires_at": ends, "entity": "12345", "reference": "999 999 999"}
    if kind == "konbini":
        store = {"confirmation_number": "12345678901", "payment_code": "123456"}
        stores = dict.fromkeys(["familymart", "lawson", "ministop", "seicomart"], store)
        return {**common, "expires_at": ends, "stores": stores}
    return {**common, "expires_at": ends, "number": "01010101010101010101010101010101010101010101010", "pdf": None}


def _send_debit(drawer: Drawer, intent: Object, paid_with: Means) -> None:
    charge = charges.make(drawer, intent, paid_with, is_pending=True)
    events.record(drawer, "charge.pending", charge)
    processing = {
        **intent,
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": paid_with.id,
        "status": "processing",
    }
    drawer.store.save(processing)
    events.record(drawer, "payment_intent.processing", processing)


def waiting(drawer: Drawer, intent_id: str) -> tuple[Object, Object] | None:
    """The PaymentIntent and the session of a payment that is under way, or None."""
    intent = drawer.store.get(intent_id, "payment_intent")
    found = drawer.store.all("checkout.session", field_is("payment_intent", intent_id))
    if intent is None or not found or intent["status"] not in ("requires_action", "processing"):
        return None
    return intent, found[0]


def decide(drawer: Drawer, intent_id: str, *, pays: bool) -> Object:
    """The money came, or will not; refuses a payment that waits for nothing."""
    found = waiting(drawer, intent_id)
    if found is None:
        raise ApiError(f"PaymentIntent {intent_id} is not waiting for money.", executed=True)
    intent, session = found
    settle(drawer, intent, session) if pays else bounce(drawer, intent, session)
    after = drawer.store.get(intent_id)
    assert after is not None
    return after


def settle_by_itself(drawer: Drawer, intent_id: str) -> None:
    """A buyer pays at the counter, a bank pays a debit."""
    if found := waiting(drawer, intent_id):
        settle(drawer, *found)


def bounce_by_itself(drawer: Drawer, intent_id: str) -> None:
    """A voucher runs out, a bank sends a debit back."""
    if found := waiting(drawer, intent_id):
        bounce(drawer, *found)


def settle(drawer: Drawer, intent: Object, session: Object) -> None:
    """The money is there."""
    pending = drawer.store.get(intent["latest_charge"]) if intent["status"] == "processing" else None
    if pending:
        charge = charges.land(drawer, pending)
    else:
        charge = charges.make(drawer, intent, unpacked(drawer.store.hidden(intent["id"])["means"]))
    events.record(drawer, "charge.succeeded", charge)
    intents.succeed(drawer, intent, charge)
    checkout.tell_late(drawer, session, is_paid=True)


def bounce(drawer: Drawer, intent: Object, session: Object) -> None:
    """The money will not come. The session stays complete and unpaid."""
    pending = drawer.store.get(intent["latest_charge"]) if intent["status"] == "processing" else None
    decline = SENT_BACK if pending else EXPIRED
    charge = charges.bounce(drawer, pending, decline) if pending else None
    if charge:
        events.record(drawer, "charge.failed", charge)
    intents.fail(drawer, intent, decline, intent["payment_method"], charge)
    checkout.tell_late(drawer, session, is_paid=False)
