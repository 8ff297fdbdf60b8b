"""Charges: one for each try at paying."""

from __future__ import annotations

from typing import Any

from . import balance, ids, listing, means, params
from .cards import Decline
from .drawer import Call, Drawer
from .errors import missing_object
from .means import Means
from .store import Object, field_is, kind_on

LIST = params.shape(**listing.PARAMS, payment_intent=params.text, customer=params.text, transfer_group=params.text)
UPDATE = params.shape(metadata=params.metadata_change, description=params.text_up_to(1000))


def make(
    drawer: Drawer,
    intent: Object,
    paid_with: Means,
    *,
    decline: Decline | None = None,
    is_pending: bool = False,
    is_authenticated: bool = False,
) -> Object:
    """One try. A try that worked also moves the balance; one that is pending waits for its bank."""
    charge = _new(drawer, intent, paid_with, decline)
    facts = means.details(
        paid_with, charge["amount"], is_declined=decline is not None, is_authenticated=is_authenticated
    )
    charge["payment_method_details"] = facts
    if seen := drawer.store.hidden(intent["id"]).get("presentment"):
        charge["presentment_details"] = seen
    if is_pending:
        charge |= {"status": "pending", "paid": False, "receipt_url": None}
    drawer.store.add(
        charge, {"refund": paid_with.ending.refund, "lands_at_once": paid_with.ending.is_available_at_once}
    )
    return charge if decline or is_pending else drawer.store.save(_landed(drawer, charge))


def received(drawer: Drawer, transfer: Object) -> Object:
    """What a transfer is on the account where it arrives; the caller keeps it."""
    sent = {
        **dict.fromkeys(["customer", "description", "id", "on_behalf_of", "receipt_email", "transfer_data"]),
        **dict.fromkeys(["application_fee_amount", "statement_descriptor_suffix"]),
        "amount": transfer["amount"],
        "currency": transfer["currency"],
        "metadata": {},
        "transfer_group": transfer["transfer_group"],
    }
    payment = _new(drawer, sent, Means("stripe_account", ""), None)
    details = {"stripe_account": {}, "type": "stripe_account"}
    own = {"payment_method_details": details, "receipt_url": None, "source_transfer": transfer["id"]}
    return {**payment, **own, "billing_details": means.billing(None), "payment_method": None}


def land(drawer: Drawer, charge: Object) -> Object:
    """A charge that was pending succeeds."""
    receipt_url = f"{drawer.public_url}/receipts/{charge['id']}"
    paid = {**charge, "status": "succeeded", "paid": True, "receipt_url": receipt_url}
    return drawer.store.save(_landed(drawer, paid))


def _landed(drawer: Drawer, charge: Object) -> Object:
    waits_s = 0 if drawer.store.hidden(charge["id"])["lands_at_once"] else balance.SETTLES_AFTER_S
    return {**charge, "balance_transaction": balance.of_charge(drawer, charge, waits_s=waits_s)["id"]}


def bounce(drawer: Drawer, charge: Object, decline: Decline) -> Object:
    """A charge that was pending fails."""
    return drawer.store.save({**charge, "status": "failed", "paid": False, **_failure(decline)})


def _new(drawer: Drawer, intent: Object, paid_with: Means, decline: Decline | None) -> Object:
    charge_id = ids.new("ch_3" if paid_with.card else "py_3")
    failure = _failure(decline) if decline else {"failure_code": None, "failure_message": None}
    return {
        "id": charge_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if decline else intent["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": intent["application_fee_amount"],
        "balance_transaction": None,
        "billing_details": means.billing(paid_with.email),
        "calculated_statement_descriptor": "COINSHOP SANDBOX" if paid_with.card else None,
        "captured": decline is None,
        "created": drawer.clock.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "destination": None,
        "dispute": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": intent["on_behalf_of"],
        "order": None,
        "outcome": _approved(paid_with.ending.risk),
        "paid": decline is None,
        "payment_intent": intent["id"],
        "payment_method": paid_with.id,
        "payment_method_details": None,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None if decline else f"{drawer.public_url}/receipts/{charge_id}",
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if decline else "succeeded",
        "transfer_data": intent["transfer_data"],
        "transfer_group": intent["transfer_group"],
        **failure,
    }


def _failure(decline: Decline) -> Object:
    return {"failure_code": decline.code, "failure_message": decline.message, "outcome": _refused(decline)}


SCORES = {"normal": 12, "elevated": 68, "highest": 92}


def _outcome(risk: str, **facts: Any) -> Object:
    codes = dict.fromkeys(["advice_code", "network_advice_code", "network_decline_code"])
    return {**codes, "reason": None, "risk_level": risk, "risk_score": SCORES[risk], **facts}


def _approved(risk: str) -> Object:
    if risk == "normal":
        return _outcome(
            risk, network_status="approved_by_network", seller_message="Payment complete.", type="authorized"
        )
    return _outcome(
        risk,
        network_status="approved_by_network",
        reason=f"{risk}_risk_level",
        seller_message=f"Stripe evaluated this payment as having {risk} risk, and placed it in your review queue.",
        type="manual_review",
    )


def _refused(decline: Decline) -> Object:
    if decline.is_blocked:
        return _outcome(
            "highest",
            network_status="not_sent_to_network",
            reason="highest_risk_level",
            seller_message="Stripe blocked this payment as too risky.",
            type="blocked",
        )
    return _outcome(
        "normal",
        network_status="declined_by_network",
        reason=decline.decline_code,
        seller_message="The bank did not return any further details with this decline.",
        type="issuer_declined",
    )


def update(call: Call, charge_id: str) -> Object:
    """POST /v1/charges/{id}: what a person may write on it."""
    wanted = UPDATE(call.params, "")
    charge = find(call.drawer, charge_id)
    metadata = params.merged(charge["metadata"], wanted.pop("metadata", None))
    return call.drawer.store.save({**charge, **wanted, "metadata": metadata})


def retrieve(call: Call, charge_id: str) -> Object:
    """GET /v1/charges/{id}"""
    params.shape()(call.params, "")
    return find(call.drawer, charge_id, call.account)


def find(drawer: Drawer, charge_id: str, account: str | None = None) -> Object:
    """A charge, or 404."""
    charge = drawer.store.get(charge_id, kind_on("charge", account))
    if charge is None:
        raise missing_object("charge", charge_id)
    return charge


def index(call: Call) -> Object:
    """GET /v1/charges"""
    wanted = LIST(call.params, "")
    names = [name for name in ("payment_intent", "customer", "transfer_group") if name in wanted]
    return listing.page(call, "charge", "/v1/charges", wanted, [field_is(name, wanted[name]) for name in names])
