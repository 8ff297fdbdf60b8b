"""Charges, and what they leave in the balance."""

from __future__ import annotations

import hashlib
from typing import Any

from . import ids, listing, money, params
from .cards import Card, Decline
from .drawer import Call, Drawer
from .errors import missing_object
from .store import Object, field_is

LIST = params.shape(**listing.PARAMS, payment_intent=params.text, customer=params.text, transfer_group=params.text)

SETTLES_AFTER_S = 2 * 86400
NO_ADDRESS = dict.fromkeys(["city", "country", "line1", "line2", "postal_code", "state"])


def make(drawer: Drawer, intent: Object, card: Card, email: str) -> Object:
    """One try at a card. A try that worked also moves the balance."""
    charge = _new(drawer, intent, card, email)
    if card.decline is None:
        charge["balance_transaction"] = _into_balance(drawer, charge)["id"]
    return drawer.store.add(charge)


def _new(drawer: Drawer, intent: Object, card: Card, email: str) -> Object:
    charge_id, decline = ids.new("ch_3"), card.decline
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
        "billing_details": billing(email),
        "calculated_statement_descriptor": "COINSHOP SANDBOX",
        "captured": decline is None,
        "created": drawer.clock.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "destination": None,
        "dispute": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": intent["on_behalf_of"],
        "order": None,
        "outcome": _refused(decline) if decline else _approved(),
        "paid": decline is None,
        "payment_intent": intent["id"],
        "payment_method": ids.new("pm_1"),
        "payment_method_details": {"card": _card_details(card, intent["amount"]), "type": "card"},
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
    }


def billing(email: str) -> Object:
    """Whom the card belongs to, as far as the page asked."""
    return {"address": dict(NO_ADDRESS), "email": email, "name": None, "phone": None, "tax_id": None}


def _outcome(**facts: Any) -> Object:
    codes = dict.fromkeys(["advice_code", "network_advice_code", "network_decline_code"])
    return {**codes, "reason": None, "risk_level": "normal", "risk_score": 12, **facts}


def _approved() -> Object:
    return _outcome(network_status="approved_by_network", seller_message="Payment complete.", type="authorized")


def _refused(decline: Decline) -> Object:
    return _outcome(
        network_status="declined_by_network",
        reason=decline.decline_code,
        seller_message="The bank did not return any further details with this decline.",
        type="issuer_declined",
    )


def _card_details(card: Card, amount: int) -> Object:
    return {
        "amount_authorized": None if card.decline else amount,
        "authorization_code": None if card.decline else "231390",
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "fail" if card.decline and card.decline.code == "incorrect_cvc" else "pass",
        },
        "country": "US",
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
        "funding": "credit",
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": "119528868122817",
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }


def _into_balance(drawer: Drawer, charge: Object) -> Object:
    fee, now = money.fee(charge["amount"]), charge["created"]
    part = {
        "application": None,
        "currency": charge["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return drawer.store.add(
        {
            "id": ids.new("txn_3"),
            "object": "balance_transaction",
            "amount": charge["amount"],
            "available_on": now + SETTLES_AFTER_S,
            "balance_type": "payments",
            "created": now,
            "currency": charge["currency"],
            "description": charge["description"],
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [{"amount": fee, **part}],
            "net": charge["amount"] - fee,
            "reporting_category": "charge",
            "source": charge["id"],
            "status": "pending",
            "type": "charge",
        }
    )


def settle_due(drawer: Drawer) -> None:
    """Money that was on its way arrives."""
    now = drawer.clock.now()
    for transaction in drawer.store.due("balance_transaction", status="pending", moment="available_on", now=now):
        drawer.store.save({**transaction, "status": "available"})


def retrieve(call: Call, charge_id: str) -> Object:
    """GET /v1/charges/{id}"""
    params.shape()(call.params, "")
    charge = call.drawer.store.get(charge_id, "charge")
    if charge is None:
        raise missing_object("charge", charge_id)
    return charge


def index(call: Call) -> Object:
    """GET /v1/charges"""
    wanted = LIST(call.params, "")
    names = [name for name in ("payment_intent", "customer", "transfer_group") if name in wanted]
    return listing.page(call, "charge", "/v1/charges", wanted, [field_is(name, wanted[name]) for name in names])


def retrieve_transaction(call: Call, transaction_id: str) -> Object:
    """GET /v1/balance_transactions/{id}"""
    params.shape()(call.params, "")
    transaction = call.drawer.store.get(transaction_id, "balance_transaction")
    if transaction is None:
        raise missing_object("balance transaction", transaction_id)
    return transaction
