"""Disputes: the bank takes the money first and asks afterwards. An inquiry only asks."""

from __future__ import annotations

from typing import Any

from . import agenda, balance, dispute_evidence, events, fraud, ids, listing, params, reviews
from .balance import Entry
from .drawer import NOBODY, Call, Cause, Drawer
from .errors import ApiError, missing_object
from .methods import METHODS
from .store import Object, field_is

FEE = 1500  # in minor units of whatever the charge settles in
DECIDES_AFTER_S = 3600
ANSWER_WITHIN_S = 14 * 86400
INQUIRY_LASTS_S = 120 * 86400
REASONS = (
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1", "general": "13.7"}

# What a dispute may become. https://docs.stripe.com/disputes/how-disputes-work
NEXT = {
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response", "prevented"),
    "warning_under_review": ("warning_closed", "needs_response"),
    "warning_closed": (),
    "needs_response": ("under_review", "won", "lost"),
    "under_review": ("won", "lost"),
    "lost": ("appeal_needs_response",),
    "appeal_needs_response": ("appeal_under_review", "lost"),
    "appeal_under_review": ("won", "lost"),
    "won": (),
    "prevented": (),
}
OVER = ("warning_closed", "won", "lost", "prevented")
LIST = params.shape(**listing.PARAMS, charge=params.text, payment_intent=params.text)


def start(
    drawer: Drawer,
    charge: Object,
    *,
    reason: str = "fraudulent",
    amount: int | None = None,
    is_inquiry: bool = False,
    cause: Cause = NOBODY,
) -> Object:
    """The cardholder complains. The amount is in the charge's currency, and may be more than the charge was."""
    if is_inquiry and charge["payment_method_details"]["type"] != "card":
        raise ApiError("Only the banks of cards inquire before they dispute.", param="inquiry")
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise ApiError(f"Charge {charge['id']} cannot be disputed: it did not succeed, or is disputed already.")
    kind = charge["payment_method_details"]["type"]
    if not METHODS[kind].can_be_disputed:
        raise ApiError(f"Charge {charge['id']} was paid with {kind}, which cannot be disputed.")
    status = "warning_needs_response" if is_inquiry else "needs_response"
    dispute = drawer.store.add(_new(drawer, charge, reason, charge["amount"] if amount is None else amount, status))
    charge = drawer.store.save({**charge, "disputed": True, "dispute": dispute["id"]})
    events.record(drawer, "charge.dispute.created", dispute, cause)
    fraud.calm(drawer, charge, cause)
    reviews.close_of(drawer, charge, "disputed", cause)
    agenda.plan(drawer, "dispute.lapse", dispute["id"], after_s=INQUIRY_LASTS_S if is_inquiry else ANSWER_WITHIN_S)
    return dispute if is_inquiry else _withdraw(drawer, dispute, cause)


def _new(drawer: Drawer, charge: Object, reason: str, amount: int, status: str) -> Object:
    now = drawer.clock.now()
    is_inquiry = status.startswith("warning")
    return {
        "id": ids.new("du_1"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dispute_evidence.first(charge),
        "evidence_details": {
            "due_by": now + ANSWER_WITHIN_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": "manual",
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": status,
        **_network_facts(charge, reason, is_inquiry=is_inquiry),
    }


def _network_facts(charge: Object, reason: str, *, is_inquiry: bool) -> Object:
    """What a card network adds; of a debit Stripe says nothing here."""
    if charge["payment_method_details"]["type"] != "card":
        return {"network_reason_code": None}
    code, brand = NETWORK_CODES.get(reason, "13.7"), charge["payment_method_details"]["card"]["brand"]
    card = {
        "brand": brand,
        "case_type": "inquiry" if is_inquiry else "chargeback",
        "network": brand,
        "network_reason_code": code,
    }
    return {"network_reason_code": code, "payment_method_details": {"card": card, "type": "card"}}


def _withdraw(drawer: Drawer, dispute: Object, cause: Cause) -> Object:
    """The money leaves at once, and a fee with it."""
    entry = Entry(
        kind="adjustment",
        category="dispute",
        amount=-dispute["amount"],
        currency=dispute["currency"],
        source=dispute["id"],
        description=f"Chargeback withdrawal for {dispute['charge']}",
        fee=FEE,
        fee_for="Dispute fee",
    )
    return _tell_of_funds(drawer, dispute, balance.enter(drawer, entry), "charge.dispute.funds_withdrawn", cause)


def _reinstate(drawer: Drawer, dispute: Object, cause: Cause) -> Object:
    """The bank decided for the shop: the amount comes back, and so does the fee. https://docs.stripe.com/testing"""
    entry = Entry(
        kind="adjustment",
        category="dispute_reversal",
        amount=dispute["amount"],
        currency=dispute["currency"],
        source=dispute["id"],
        description=f"Chargeback reversal for {dispute['charge']}",
        fee=-FEE,
        fee_for="Dispute fee refund",
    )
    taken = dispute["balance_transactions"][0]
    back = balance.reverse(drawer, taken, entry)
    return _tell_of_funds(drawer, dispute, back, "charge.dispute.funds_reinstated", cause)


def _tell_of_funds(drawer: Drawer, dispute: Object, moved: Object, kind: str, cause: Cause) -> Object:
    after = {**dispute, "balance_transactions": [*dispute["balance_transactions"], moved]}
    return events.change(drawer, dispute, after, kind, cause=cause)


def move(drawer: Drawer, dispute: Object, status: str, cause: Cause = NOBODY, **facts: Any) -> Object:
    """Bring a dispute to another state, and the money with it; refuses what its state does not lead to."""
    if status not in NEXT[dispute["status"]]:
        message = f"A dispute with a status of `{dispute['status']}` cannot become `{status}`."
        raise ApiError(message, executed=True)
    after = {**dispute, **facts, "status": status, "is_charge_refundable": _leaves_refundable(status)}
    has_escalated = dispute["status"].startswith("warning") and status == "needs_response"
    if has_escalated:
        after |= _escalation(drawer, dispute)
    kind = "charge.dispute.closed" if status in OVER else "charge.dispute.updated"
    moved = events.change(drawer, dispute, after, kind, cause=cause)
    if has_escalated:
        agenda.plan(drawer, "dispute.lapse", dispute["id"], after_s=ANSWER_WITHIN_S)
        return _withdraw(drawer, moved, cause)
    return _reinstate(drawer, moved, cause) if status == "won" else moved


def _leaves_refundable(status: str) -> bool:
    return status.startswith("warning") or status in ("won", "prevented")


def _escalation(drawer: Drawer, dispute: Object) -> Object:
    """An inquiry that became a chargeback has a new date to answer by."""
    details = dispute["payment_method_details"]
    return {
        "evidence_details": {**dispute["evidence_details"], "due_by": drawer.clock.now() + ANSWER_WITHIN_S},
        "payment_method_details": {**details, "card": {**details["card"], "case_type": "chargeback"}},
    }


def has_taken_back(drawer: Drawer, charge: Object) -> bool:
    """Whether a dispute stands between the buyer and a refund: then the bank gives the money, or has given it."""
    dispute = drawer.store.get(charge["dispute"]) if charge["dispute"] else None
    return dispute is not None and not dispute["is_charge_refundable"]


def withdraw_inquiry(drawer: Drawer, charge: Object, cause: Cause) -> None:
    """A charge that was given back in full leaves nothing to inquire about."""
    dispute = drawer.store.get(charge["dispute"]) if charge["dispute"] else None
    if dispute is not None and dispute["status"] in ("warning_needs_response", "warning_under_review"):
        move(drawer, dispute, "warning_closed", cause)


def lapse(drawer: Drawer, dispute_id: str) -> None:
    """Nobody answered in time: a dispute is lost, an inquiry closes."""
    dispute = drawer.store.get(dispute_id)
    if dispute is None or drawer.clock.now() < dispute["evidence_details"]["due_by"]:
        return
    if dispute["status"] == "needs_response":
        late = {**dispute["evidence_details"], "past_due": True}
        move(drawer, dispute, "lost", evidence_details=late)
    elif dispute["status"] in ("warning_needs_response", "warning_under_review"):
        move(drawer, dispute, "warning_closed")


def decide_by_itself(drawer: Drawer, dispute_id: str) -> None:
    """A bank reads the evidence, of which it understands three words."""
    dispute = drawer.store.get(dispute_id)
    if dispute is None:
        return
    verdict = dispute_evidence.verdict(dispute)
    if verdict in NEXT[dispute["status"]]:
        move(drawer, dispute, verdict)


def update(call: Call, dispute_id: str) -> Object:
    """POST /v1/disputes/{id}: evidence, which is sent to the bank unless ``submit`` is false."""
    wanted = dispute_evidence.UPDATE(call.params, "")
    drawer, dispute = call.drawer, find(call.drawer, dispute_id)
    after = {**dispute, "metadata": params.merged(dispute["metadata"], wanted.get("metadata"))}
    if method := wanted.get("intended_submission_method"):
        after["intended_submission_method"] = method
    if "evidence" not in wanted and not wanted.get("submit"):
        return events.change(drawer, dispute, after, "charge.dispute.updated", cause=call.cause)
    dispute_evidence.refuse_if_over(dispute, OVER)
    after |= dispute_evidence.staged(dispute, wanted.get("evidence", {}))
    if not wanted.get("submit", True):
        return events.change(drawer, dispute, after, "charge.dispute.updated", cause=call.cause)
    return _submit(drawer, dispute, after, call.cause)


def _submit(drawer: Drawer, dispute: Object, after: Object, cause: Cause) -> Object:
    under_review = {
        "needs_response": "under_review",
        "warning_needs_response": "warning_under_review",
        "appeal_needs_response": "appeal_under_review",
    }
    details = after["evidence_details"]
    after["evidence_details"] = {
        **details,
        "submission_count": details["submission_count"] + 1,
        "submission_method": "manual",
    }
    after["status"] = under_review.get(dispute["status"], dispute["status"])
    agenda.plan(drawer, "dispute.decide", dispute["id"], after_s=DECIDES_AFTER_S)
    return events.change(drawer, dispute, after, "charge.dispute.updated", cause=cause)


def close(call: Call, dispute_id: str) -> Object:
    """POST /v1/disputes/{id}/close: the shop has nothing to say, and accepts that it lost."""
    params.shape()(call.params, "")
    dispute = find(call.drawer, dispute_id)
    status = "warning_closed" if dispute["status"].startswith("warning") else "lost"
    if status not in NEXT[dispute["status"]] or dispute["status"].endswith("under_review"):
        message = f"This dispute has a status of `{dispute['status']}` and cannot be closed."
        raise ApiError(message, executed=True)
    return move(call.drawer, dispute, status, call.cause)


def retrieve(call: Call, dispute_id: str) -> Object:
    """GET /v1/disputes/{id}"""
    params.shape()(call.params, "")
    return find(call.drawer, dispute_id)


def find(drawer: Drawer, dispute_id: str) -> Object:
    """A dispute, or 404."""
    dispute = drawer.store.get(dispute_id, "dispute")
    if dispute is None:
        raise missing_object("dispute", dispute_id)
    return dispute


def index(call: Call) -> Object:
    """GET /v1/disputes"""
    wanted = LIST(call.params, "")
    conditions = [field_is(name, wanted[name]) for name in ("charge", "payment_intent") if name in wanted]
    return listing.page(call, "dispute", "/v1/disputes", wanted, conditions)
