"""PaymentIntents: one per session, made when the buyer first tries to pay."""

from __future__ import annotations

from . import events, ids, listing, params
from .drawer import Call, Cause, Drawer
from .errors import missing_object
from .store import Object, field_is

LIST = params.shape(**listing.PARAMS, customer=params.text)

COPIED = (
    "application_fee_amount",
    "description",
    "on_behalf_of",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
)


def of_session(drawer: Drawer, session: Object) -> Object:
    """The session's PaymentIntent, made at the first attempt and kept through the next ones."""
    hidden = drawer.store.hidden(session["id"])
    if known := drawer.store.get(hidden.get("payment_intent", "")):
        return known
    intent = drawer.store.add(_new(session, hidden["payment_intent_data"], drawer.clock.now()))
    drawer.store.hide(session["id"], payment_intent=intent["id"])
    events.record(drawer, "payment_intent.created", intent)
    return intent


def _new(session: Object, data: Object, now: int) -> Object:
    intent_id = ids.new("pi_3")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": ids.new(f"{intent_id}_secret_"),
        "confirmation_method": "automatic",
        "created": now,
        "currency": session["currency"],
        "customer": session["customer"],
        "customer_account": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        # Only what payment_intent_data says: the metadata of a session stays on the session.
        "metadata": data.get("metadata", {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "review": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "status": "requires_payment_method",
        **{name: data.get(name) for name in COPIED},
    }


def cancel(drawer: Drawer, intent_id: str, *, reason: str, cause: Cause) -> None:
    """Nobody will pay this any more."""
    intent = drawer.store.get(intent_id)
    if intent is None or intent["status"] in ("succeeded", "canceled"):
        return
    gone = {"status": "canceled", "canceled_at": drawer.clock.now(), "cancellation_reason": reason}
    events.record(drawer, "payment_intent.canceled", drawer.store.save({**intent, **gone}), cause)


def retrieve(call: Call, intent_id: str) -> Object:
    """GET /v1/payment_intents/{id}"""
    params.shape()(call.params, "")
    intent = call.drawer.store.get(intent_id, "payment_intent")
    if intent is None:
        raise missing_object("payment_intent", intent_id, param="intent")
    return intent


def index(call: Call) -> Object:
    """GET /v1/payment_intents"""
    wanted = LIST(call.params, "")
    conditions = [field_is("customer", wanted["customer"])] if "customer" in wanted else []
    return listing.page(call, "payment_intent", "/v1/payment_intents", wanted, conditions)
