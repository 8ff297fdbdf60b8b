"""What happens between the button and the answer."""

from __future__ import annotations

from . import charges, checkout, delayed, disputes, events, fraud, intents, means, presentment, reviews
from .cards import Decline
from .drawer import Drawer
from .means import Means
from .store import Object

UNAUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    "authentication_failed",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)
UNWILLING = Decline(
    "payment_method_customer_decline",
    "customer_declined",
    "The customer declined the payment on the page of the payment method.",
)


def pay(drawer: Drawer, session: Object, paid_with: Means) -> Decline | None:
    """Try to pay an open session; the caller holds the transaction, so two buttons pay once.

    A declined card leaves the session open for another try, and returns why. Otherwise the session is complete, or
    its buyer is asked something on another page: ``asked`` tells.
    """
    intent = intents.of_session(drawer, session)
    means.keep(drawer, paid_with)
    drawer.store.hide(intent["id"], presentment=presentment.of(session, paid_with.email))
    if paid_with.method.way == "redirect" or paid_with.ending.asks:
        _ask(drawer, session, intent, paid_with)
        return None
    if paid_with.method.way in ("voucher", "debit"):
        delayed.begin(drawer, session, intent, paid_with)
        return None
    return _attempt(drawer, session, intent, paid_with)


def _ask(drawer: Drawer, session: Object, intent: Object, paid_with: Means) -> None:
    drawer.store.hide(session["id"], asks=paid_with.packed())
    url = f"{drawer.public_url}/c/pay/{session['id']}/confirm"
    asking = {
        **intent,
        "next_action": {
            "redirect_to_url": {"return_url": session["success_url"], "url": url},
            "type": "redirect_to_url",
        },
        "payment_method": paid_with.id,
        "status": "requires_action",
    }
    drawer.store.save(asking)
    events.record(drawer, "payment_intent.requires_action", asking)


def asked(drawer: Drawer, session: Object) -> Means | None:
    """What a session's buyer was asked to confirm on another page, if that is open."""
    packed = drawer.store.hidden(session["id"]).get("asks")
    return means.unpacked(packed) if packed and session["status"] == "open" else None


def confirm(drawer: Drawer, session: Object, paid_with: Means, *, agrees: bool) -> Decline | None:
    """The buyer comes back from the bank's page."""
    drawer.store.hide(session["id"], asks=None)
    intent = intents.of_session(drawer, session)
    if agrees:
        return _attempt(drawer, session, intent, paid_with, is_authenticated=paid_with.ending.asks)
    if paid_with.card is None:
        return _attempt(drawer, session, intent, paid_with, decline=UNWILLING)
    _fail(drawer, intent, paid_with, UNAUTHENTICATED, None)
    return UNAUTHENTICATED


def _attempt(
    drawer: Drawer,
    session: Object,
    intent: Object,
    paid_with: Means,
    *,
    decline: Decline | None = None,
    is_authenticated: bool = False,
) -> Decline | None:
    decline = decline or paid_with.ending.decline
    charge = charges.make(drawer, intent, paid_with, decline=decline, is_authenticated=is_authenticated)
    if decline is None:
        _succeed(drawer, session, intent, charge, paid_with)
    else:
        _fail(drawer, intent, paid_with, decline, charge)
    return decline


def _succeed(drawer: Drawer, session: Object, intent: Object, charge: Object, paid_with: Means) -> None:
    if paid_with.ending.risk == "elevated":
        charge, intent = reviews.start(drawer, charge, intent)
    events.record(drawer, "charge.succeeded", charge)
    intents.succeed(drawer, intent, charge)
    checkout.complete(drawer, session, intent["id"], paid_with.email, is_paid=True)
    _follow_up(drawer, charge, paid_with)


def _follow_up(drawer: Drawer, charge: Object, paid_with: Means) -> None:
    """What some test cards bring after them."""
    ending = paid_with.ending
    if ending.is_warned_of:
        fraud.warn(drawer, charge)
    if ending.dispute:
        disputes.start(drawer, charge, reason=ending.dispute, is_inquiry=ending.is_inquiry)


def _fail(drawer: Drawer, intent: Object, paid_with: Means, decline: Decline, charge: Object | None) -> None:
    if charge is not None:
        events.record(drawer, "charge.failed", charge)
    intents.fail(drawer, intent, decline, paid_with.id, charge)
