"""Situations of a sale: an order, what the provider says about it, and a webhook as the provider signs it."""

import hashlib
import hmac
import json
import time
import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from payments import checkout, gateway, pricing, regions
from payments.models import Order


@pytest.fixture
def order_of():
    """An order as somebody makes it where they live: `order_of(alice, 350)`."""

    def make(buyer: Any, coins: int = 350) -> Order:
        region = regions.region_of_country(buyer.country)
        offer = pricing.offer_amount(region, buyer.country, coins)
        return checkout.place(offer, buyer=buyer, form_key=uuid.uuid4())

    return make


@pytest.fixture
def order(alice, order_of):
    """Alice's order of 350 coins for 4.15 EUR, not yet opened."""
    return order_of(alice)


@pytest.fixture
def evidence_of():
    """What the provider says about an order that was paid as it should be, but for the named differences."""

    def say(order: Order, **differences: Any) -> gateway.Evidence:
        as_it_should_be = gateway.Evidence(
            session_id=order.session_id or f"cs_test_{order.number}",
            order_ids=(str(order.pk), str(order.pk)),
            status="complete",
            is_paid=True,
            intent_id=f"pi_{order.number}",
            amount_minor=order.price_minor,
            currency=order.currency,
            is_live=False,
        )
        return replace(as_it_should_be, **differences)

    return say


@pytest.fixture
def event_about():
    """The provider's event about a paid session of an order, as it would be posted; differences are the session's."""

    def make(order: Order, type: str = "checkout.session.completed", **session: Any) -> dict[str, Any]:
        thing = {
            "id": order.session_id or f"cs_test_{order.number}",
            "object": "checkout.session",
            "client_reference_id": str(order.pk),
            "metadata": {"order": str(order.pk)},
            "status": "complete",
            "payment_status": "paid",
            "payment_intent": f"pi_{order.number}",
            "amount_total": order.price_minor,
            "currency": order.currency.lower(),
            "livemode": False,
        }
        return {
            "id": f"evt_{uuid.uuid4().hex}",
            "object": "event",
            "api_version": gateway.API_VERSION,
            "type": type,
            "livemode": False,
            "data": {"object": thing | session},
        }

    return make


def sign(body: bytes, *, at: float | None = None, secret: str | None = None, scheme: str = "v1") -> str:
    moment = int(time.time() if at is None else at)
    key = (secret or settings.STRIPE_WEBHOOK_SECRET).encode()
    return f"t={moment},{scheme}={hmac.new(key, b'%d.%s' % (moment, body), hashlib.sha256).hexdigest()}"


@pytest.fixture
def signature():
    """The Stripe-Signature header of a body."""
    return sign


@pytest.fixture
def deliver():
    """Post an event to the webhook, signed, as the provider does: from outside, with no cookie and no token."""

    def post(event: Any, header: str | None = None, **about: Any) -> Any:
        body = event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()
        stranger = Client(enforce_csrf_checks=True)
        header = sign(body, **about) if header is None else header
        return stranger.post("/webhooks/stripe/", body, "application/json", headers={"Stripe-Signature": header})

    return post


@pytest.fixture
def opened():
    """Open an order's payment page at the sandbox."""

    def open_it(order: Order) -> Order:
        checkout.open_page(order, site="http://testserver", language="en")
        order.refresh_from_db()
        return order

    return open_it
