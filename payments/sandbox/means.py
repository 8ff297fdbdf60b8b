"""What somebody pays with: a card they typed, or another method they chose."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field

from . import ids
from .cards import PAYS, Card, Ending
from .drawer import Call, Drawer
from .errors import missing_object
from .methods import METHODS, Method
from .params import shape
from .store import Object

NO_ADDRESS = dict.fromkeys(["city", "country", "line1", "line2", "postal_code", "state"])


@dataclass(frozen=True)
class Means:
    """One attempt's way to pay. It becomes a PaymentMethod that serves once."""

    type: str
    email: str
    card: Card | None = None
    id: str = field(default_factory=lambda: ids.new("pm_1"))

    @property
    def method(self) -> Method:
        """The facts of its type."""
        return METHODS[self.type]

    @property
    def ending(self) -> Ending:
        """What a test card means; other methods end as somebody decides."""
        return self.card.ending if self.card else PAYS

    def packed(self) -> Object:
        """As it waits for its buyer to come back from another page."""
        return asdict(self)


def unpacked(packed: Object) -> Means:
    """What ``packed`` packed."""
    return Means(**{**packed, "card": Card(**packed["card"]) if packed["card"] else None})


def billing(email: str | None) -> Object:
    """Whom it belongs to, as far as the page asked."""
    return {"address": dict(NO_ADDRESS), "email": email, "name": None, "phone": None, "tax_id": None}


def details(means: Means, amount: int, *, is_declined: bool, is_authenticated: bool) -> Object:
    """``payment_method_details`` of a charge."""
    if means.card is None:
        return {means.type: dict(means.method.details), "type": means.type}
    card = _card_details(means.card, amount, is_declined=is_declined)
    if is_authenticated:
        card["three_d_secure"] = _authenticated()
    return {"card": card, "type": "card"}


def _authenticated() -> Object:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "exemption_indicator_applied": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": "3d5ec0de-0000-4000-8000-000000000000",
        "version": "2.2.0",
    }


def _card_details(card: Card, amount: int, *, is_declined: bool) -> Object:
    return {
        **_known(card),
        "amount_authorized": None if is_declined else amount,
        "authorization_code": None if is_declined else "231390",
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": "119528868122817",
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "three_d_secure": None,
    }


def _known(card: Card) -> Object:
    """What a card and its charge both say."""
    decline = card.ending.decline
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "fail" if decline and decline.code == "incorrect_cvc" else "pass",
        },
        "country": card.ending.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
        "funding": card.ending.funding,
        "last4": card.last4,
        "regulated_status": "unregulated",
        "wallet": None,
    }


def keep(drawer: Drawer, means: Means) -> Object:
    """The PaymentMethod of an attempt."""
    if known := drawer.store.get(means.id):
        return known
    return drawer.store.add(
        {
            "id": means.id,
            "object": "payment_method",
            "allow_redisplay": "limited",
            "billing_details": billing(means.email),
            means.type: _own(means),
            "created": drawer.clock.now(),
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": means.type,
        }
    )


def _own(means: Means) -> Object:
    if means.card is None:
        return {}
    extra = {
        "display_brand": means.card.brand,
        "generated_from": None,
        "networks": {"available": [means.card.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
    }
    return {**_known(means.card), **extra}


def retrieve(call: Call, method_id: str) -> Object:
    """GET /v1/payment_methods/{id}"""
    shape()(call.params, "")
    method = call.drawer.store.get(method_id, "payment_method")
    if method is None:
        raise missing_object("PaymentMethod", method_id, param="payment_method")
    return method
