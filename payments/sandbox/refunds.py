"""Refunds: given at once or after a while, and sometimes taken back by a bank weeks later."""

from __future__ import annotations

from typing import Any

from . import agenda, balance, disputes, events, fraud, ids, listing, money, params, reviews
from .balance import Entry
from .drawer import NOBODY, Call, Cause, Drawer
from .errors import ApiError, missing_object
from .methods import METHODS
from .store import Object, field_is

LATER_S = 3600
ANSWER_WITHIN_S = 45 * 86400
FAILURES = (
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
)
# What a refund may still become. A refund that succeeded can fail when the bank sends the money back.
NEXT = {
    "requires_action": ("pending", "succeeded", "failed", "canceled"),
    "pending": ("requires_action", "succeeded", "failed", "canceled"),
    "succeeded": ("failed",),
    "failed": (),
    "canceled": (),
}

CREATE = params.shape(
    charge=params.text,
    payment_intent=params.text,
    amount=params.at_least(1),
    reason=params.one_of("duplicate", "fraudulent", "requested_by_customer"),
    metadata=params.metadata,
    instructions_email=params.text,
    reverse_transfer=params.flag,
    refund_application_fee=params.flag,
)
UPDATE = params.shape(metadata=params.metadata_change)
LIST = params.shape(**listing.PARAMS, charge=params.text, payment_intent=params.text)


def create(call: Call) -> Object:
    """POST /v1/refunds: all that is left of a charge, or a part of it."""
    wanted = CREATE(call.params, "")
    drawer, charge = call.drawer, _charge_of(call.drawer, wanted)
    _refuse_unrefundable(drawer, charge)
    amount = _amount(charge, wanted.get("amount"))
    refund = _new(drawer, charge, amount, wanted)
    drawer.store.add(refund)
    events.record(drawer, "refund.created", refund, call.cause)
    _count(drawer, charge, amount, "charge.refunded", call.cause)
    _plan(drawer, charge, refund)
    return refund


def _charge_of(drawer: Drawer, wanted: dict[str, Any]) -> Object:
    if ("charge" in wanted) == ("payment_intent" in wanted):
        raise ApiError(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if "charge" in wanted:
        charge = drawer.store.get(wanted["charge"], "charge")
        if charge is None:
            raise missing_object("charge", wanted["charge"], status=400, param="charge")
        return charge
    return _charge_of_intent(drawer, wanted["payment_intent"])


def _charge_of_intent(drawer: Drawer, intent_id: str) -> Object:
    if drawer.store.get(intent_id, "payment_intent") is None:
        raise missing_object("payment_intent", intent_id, status=400, param="payment_intent")
    paid = drawer.store.all("charge", field_is("payment_intent", intent_id), field_is("status", "succeeded"))
    if not paid:
        message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
        raise ApiError(message, param="payment_intent", executed=True)
    return paid[-1]


def _refuse_unrefundable(drawer: Drawer, charge: Object) -> None:
    if charge["status"] != "succeeded":
        raise ApiError(f"Charge {charge['id']} was not successful and cannot be refunded.", executed=True)
    kind = charge["payment_method_details"]["type"]
    if METHODS[kind].refund == "no":
        message = f"Charge {charge['id']} was paid with {kind}, which cannot be refunded."
        raise ApiError(message, code="charge_not_refundable", executed=True)
    if disputes.has_taken_back(drawer, charge):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise ApiError(message, code="charge_disputed", executed=True)
    if charge["refunded"]:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded", executed=True)


def _amount(charge: Object, asked: int | None) -> int:
    left: int = charge["amount"] - charge["amount_refunded"]
    if asked is None:
        return left
    money.check_granularity(asked, charge["currency"], "amount")
    if asked > left:
        asked_for, still = (money.shown(amount, charge["currency"]) for amount in (asked, left))
        message = f"Refund amount ({asked_for}) is greater than unrefunded amount on charge ({still})"
        raise ApiError(message, code="amount_too_large", param="amount", executed=True)
    return asked


def _new(drawer: Drawer, charge: Object, amount: int, wanted: dict[str, Any]) -> Object:
    is_of_a_card = charge["id"].startswith("ch_")
    refund_id = ids.new("re_3" if is_of_a_card else "pyr_1")
    entry = Entry(
        kind="refund" if is_of_a_card else "payment_refund",
        category="refund",
        amount=-amount,
        currency=charge["currency"],
        source=refund_id,
        description="REFUND FOR CHARGE" + (f" ({charge['description']})" if charge["description"] else ""),
    )
    return {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": balance.enter(drawer, entry)["id"],
        "charge": charge["id"],
        "created": drawer.clock.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": _destination(charge),
        "metadata": wanted.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": wanted.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "transfer_reversal": None,
        **_status(drawer, charge, wanted),
        **_presented(charge, amount),
    }


def _presented(charge: Object, amount: int) -> Object:
    """The part of what the buyer saw, rounded to the nearest minor unit."""
    if "presentment_details" not in charge:
        return {}
    seen = charge["presentment_details"]
    part = (2 * seen["presentment_amount"] * amount + charge["amount"]) // (2 * charge["amount"])
    return {"presentment_details": {**seen, "presentment_amount": part}}


def _status(drawer: Drawer, charge: Object, wanted: dict[str, Any]) -> Object:
    if METHODS[charge["payment_method_details"]["type"]].refund == "asks":
        return _question(drawer, wanted.get("instructions_email") or charge["billing_details"]["email"])
    if drawer.store.hidden(charge["id"]).get("refund") == "waits":
        return {"status": "pending", "pending_reason": "processing"}
    return {"status": "succeeded"}


def _question(drawer: Drawer, email: str) -> Object:
    """The method cannot send money back: the buyer gets a mail, and says in it where to."""
    now = drawer.clock.now()
    sent = {"email_sent": {"email_sent_at": now, "email_sent_to": email}, "expires_at": now + ANSWER_WITHIN_S}
    action = {"display_details": sent, "type": "display_details"}
    return {"status": "requires_action", "instructions_email": email, "next_action": action}


def _destination(charge: Object) -> Object:
    kind = charge["payment_method_details"]["type"]
    if kind != "card":
        return {"type": kind}
    reference = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"card": reference, "type": "card"}


def _plan(drawer: Drawer, charge: Object, refund: Object) -> None:
    if refund["status"] == "requires_action":
        agenda.plan(drawer, "refund.expire", refund["id"], after_s=ANSWER_WITHIN_S)
    acts = {"waits": "refund.succeed", "fails": "refund.fail"}
    if act := acts.get(drawer.store.hidden(charge["id"]).get("refund", "")):
        agenda.plan(drawer, act, refund["id"], after_s=LATER_S)


def _count(drawer: Drawer, charge: Object, amount: int, kind: str, cause: Cause) -> None:
    """Add to what a charge has given back, or take from it; a charge given back in full cannot be disputed any more."""
    refunded = charge["amount_refunded"] + amount
    is_whole = refunded == charge["amount"]
    counted = {**charge, "amount_refunded": refunded, "refunded": is_whole}
    events.change(drawer, charge, counted, kind, cause=cause)
    if is_whole:
        reviews.close_of(drawer, counted, "refunded", cause)
        disputes.withdraw_inquiry(drawer, counted, cause)
        fraud.calm(drawer, counted, cause)


def move(drawer: Drawer, refund: Object, status: str, cause: Cause = NOBODY, *, reason: str = "unknown") -> Object:
    """Bring a refund to another state; refuses what a refund in its state cannot become.

    A refund that failed or was canceled puts its money back into the balance and its amount back on the charge.
    """
    if status not in NEXT[refund["status"]]:
        message = f"A refund with a status of `{refund['status']}` cannot become `{status}`."
        raise ApiError(message, executed=True)
    facts: Object = {"status": status, "pending_reason": "processing"} if status == "pending" else {"status": status}
    if status in ("failed", "canceled"):
        facts |= {"failure_reason": reason, "failure_balance_transaction": _give_back(drawer, refund)["id"]}
    kept = {name: value for name, value in refund.items() if name not in ("pending_reason", "next_action")}
    kinds = ["refund.updated", "charge.refund.updated", *(["refund.failed"] if status == "failed" else [])]
    moved = events.change(drawer, refund, {**kept, **facts}, *kinds, cause=cause)
    if status in ("failed", "canceled"):
        charge = drawer.store.get(refund["charge"])
        assert charge is not None
        _count(drawer, charge, -refund["amount"], "charge.updated", cause)
    return moved


def _give_back(drawer: Drawer, refund: Object) -> Object:
    taken = drawer.store.get(refund["balance_transaction"])
    assert taken is not None
    entry = Entry(
        kind="refund_failure",
        category="refund_failure",
        amount=refund["amount"],
        currency=refund["currency"],
        source=refund["id"],
        description="REFUND FAILURE",
    )
    return balance.reverse(drawer, taken, entry)


def succeed_by_itself(drawer: Drawer, refund_id: str) -> None:
    """A refund that waited reaches the buyer, unless something else happened to it."""
    refund = drawer.store.get(refund_id)
    if refund is not None and refund["status"] == "pending":
        move(drawer, refund, "succeeded")


def fail_by_itself(drawer: Drawer, refund_id: str) -> None:
    """A bank sends a refund back."""
    refund = drawer.store.get(refund_id)
    if refund is not None and refund["status"] == "succeeded":
        move(drawer, refund, "failed", reason="expired_or_canceled_card")


def expire_by_itself(drawer: Drawer, refund_id: str) -> None:
    """A buyer never said where their money should go."""
    refund = drawer.store.get(refund_id)
    if refund is not None and refund["status"] == "requires_action":
        move(drawer, refund, "failed", reason="unknown")


def cancel(call: Call, refund_id: str) -> Object:
    """POST /v1/refunds/{id}/cancel: only while the buyer still has to do something for it."""
    params.shape()(call.params, "")
    refund = find(call.drawer, refund_id)
    if refund["status"] != "requires_action":
        message = f"Refund {refund_id} has a status of `{refund['status']}`; only `requires_action` can be canceled."
        raise ApiError(message, executed=True)
    return move(call.drawer, refund, "canceled", call.cause, reason="merchant_request")


def update(call: Call, refund_id: str) -> Object:
    """POST /v1/refunds/{id}: its metadata, and nothing else."""
    wanted = UPDATE(call.params, "")
    refund = find(call.drawer, refund_id)
    metadata = params.merged(refund["metadata"], wanted.get("metadata"))
    kinds = ("refund.updated", "charge.refund.updated")
    return events.change(call.drawer, refund, {**refund, "metadata": metadata}, *kinds, cause=call.cause)


def retrieve(call: Call, refund_id: str) -> Object:
    """GET /v1/refunds/{id}"""
    params.shape()(call.params, "")
    return find(call.drawer, refund_id)


def find(drawer: Drawer, refund_id: str) -> Object:
    """A refund, or 404."""
    refund = drawer.store.get(refund_id, "refund")
    if refund is None:
        raise missing_object("refund", refund_id)
    return refund


def index(call: Call) -> Object:
    """GET /v1/refunds"""
    wanted = LIST(call.params, "")
    conditions = [field_is(name, wanted[name]) for name in ("charge", "payment_intent") if name in wanted]
    return listing.page(call, "refund", "/v1/refunds", wanted, conditions)


def of_charge(drawer: Drawer, charge_id: str) -> Object:
    """The refunds of a charge, as the list that can be expanded in it."""
    data = drawer.store.all("refund", field_is("charge", charge_id), order="seq DESC", limit=10)
    return listing.as_list(data, f"/v1/charges/{charge_id}/refunds")
