"""PaymentIntents: one per session, made when the buyer first tries to pay."""

from __future__ import annotations

from . import events, ids, listing, params
from .cards import Decline
from .drawer import Call, Cause, Drawer
from .errors import DOCS, ApiError, missing_object
from .store import Condition, Object, field_is

LIST = params.shape(**listing.PARAMS, customer=params.text)

UPDATE = params.shape(
    description=params.text_up_to(1000),
    metadata=params.metadata_change,
    receipt_email=params.text,
    statement_descriptor_suffix=params.text_up_to(22),
    transfer_group=params.text,
)
CANCEL = params.shape(
    cancellation_reason=params.one_of("abandoned", "duplicate", "fraudulent", "requested_by_customer")
)
CANCELABLE = ("requires_payment_method", "requires_action")

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
        "payment_method_types": session["payment_method_types"],
        "processing": None,
        "review": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "status": "requires_payment_method",
        **{name: data.get(name) for name in COPIED},
    }


def succeed(drawer: Drawer, intent: Object, charge: Object) -> Object:
    """Paid."""
    paid = {
        **intent,
        "amount_received": charge["amount"],
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": charge["payment_method"],
        "status": "succeeded",
    }
    if "presentment_details" in charge:
        paid["presentment_details"] = charge["presentment_details"]
    events.record(drawer, "payment_intent.succeeded", drawer.store.save(paid))
    return paid


def fail(drawer: Drawer, intent: Object, decline: Decline, method_id: str, charge: Object | None) -> Object:
    """Not paid this time: another method may do better. Not every failure has a charge."""
    failed = {
        **intent,
        "last_payment_error": _error(drawer, decline, method_id, charge),
        "latest_charge": charge["id"] if charge else intent["latest_charge"],
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    events.record(drawer, "payment_intent.payment_failed", drawer.store.save(failed))
    return failed


def _error(drawer: Drawer, decline: Decline, method_id: str, charge: Object | None) -> Object:
    facts: Object = {
        "code": decline.code,
        "doc_url": DOCS + decline.code.replace("_", "-"),
        "message": decline.message,
        "payment_method": drawer.store.get(method_id),
        "type": "card_error" if decline.is_of_a_card else "invalid_request_error",
    }
    if charge is not None:
        facts["charge"] = charge["id"]
    if decline.is_of_a_card:
        facts["decline_code"] = decline.decline_code
    return facts


def cancel(drawer: Drawer, intent_id: str, *, reason: str | None, cause: Cause) -> None:
    """Nobody will pay this any more."""
    intent = drawer.store.get(intent_id)
    if intent is None or intent["status"] in ("succeeded", "canceled"):
        return
    gone = {"status": "canceled", "canceled_at": drawer.clock.now(), "cancellation_reason": reason, "next_action": None}
    events.record(drawer, "payment_intent.canceled", drawer.store.save({**intent, **gone}), cause)


def cancel_one(call: Call, intent_id: str) -> Object:
    """POST /v1/payment_intents/{id}/cancel: not while its session is open, and not once the bank has it."""
    wanted = CANCEL(call.params, "")
    intent = find(call.drawer, intent_id)
    is_open = call.drawer.store.all("checkout.session", field_is("status", "open"), _behind(intent_id))
    if is_open:
        message = (
            "You cannot cancel this PaymentIntent: it was created by a Checkout Session. Expire the session instead."
        )
        raise ApiError(message, code="payment_intent_unexpected_state", executed=True)
    if intent["status"] not in CANCELABLE:
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent"
            f" with one of the following statuses may be canceled: {', '.join(CANCELABLE)}."
        )
        raise ApiError(message, code="payment_intent_unexpected_state", executed=True)
    cancel(call.drawer, intent_id, reason=wanted.get("cancellation_reason"), cause=call.cause)
    return find(call.drawer, intent_id)


def _behind(intent_id: str) -> Condition:
    return "json_extract(hidden, '$.payment_intent') = ?", [intent_id]


def update(call: Call, intent_id: str) -> Object:
    """POST /v1/payment_intents/{id}: what a person may write on it. The amount belongs to its session."""
    wanted = UPDATE(call.params, "")
    intent = find(call.drawer, intent_id)
    metadata = params.merged(intent["metadata"], wanted.pop("metadata", None))
    return call.drawer.store.save({**intent, **wanted, "metadata": metadata})


def retrieve(call: Call, intent_id: str) -> Object:
    """GET /v1/payment_intents/{id}"""
    params.shape()(call.params, "")
    return find(call.drawer, intent_id)


def find(drawer: Drawer, intent_id: str) -> Object:
    """A PaymentIntent, or 404."""
    intent = drawer.store.get(intent_id, "payment_intent")
    if intent is None:
        raise missing_object("payment_intent", intent_id, param="intent")
    return intent


def index(call: Call) -> Object:
    """GET /v1/payment_intents"""
    wanted = LIST(call.params, "")
    conditions = [field_is("customer", wanted["customer"])] if "customer" in wanted else []
    return listing.page(call, "payment_intent", "/v1/payment_intents", wanted, conditions)
