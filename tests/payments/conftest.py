"""Situations of a sale: an order, what the provider says about it, and a webhook as the provider signs it."""

import hashlib
import hmac
import json
import time
import urllib.parse
import urllib.request
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from payments import checkout, duties, gateway, inbox, pricing, regions, settlement
from payments.events import MATTERS
from payments.models import Duty, Order, StripeEvent


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


@pytest.fixture
def rested(people):
    """Nothing is due of what is done again and again: the sweep has its rows to itself."""
    tomorrow = timezone.now() + timedelta(days=1)
    for name in duties.DUTIES:
        Duty.objects.update_or_create(pk=name, defaults={"due_at": tomorrow})


@pytest.fixture
def plant(owner):
    """What only the owner of the tables can do, and only by setting the guard aside."""

    def do(sql, *values):
        with owner() as cursor:
            cursor.execute("ALTER TABLE wallet_transfer DISABLE TRIGGER transfers_are_append_only")
            cursor.execute(sql, [str(value) if isinstance(value, uuid.UUID) else value for value in values])
            assert cursor.rowcount
            cursor.execute("ALTER TABLE wallet_transfer ENABLE TRIGGER transfers_are_append_only")

    return do


@pytest.fixture
def sandbox(request, sandbox, settings, tmp_path):
    if "time_at_provider" not in request.fixturenames:
        yield sandbox
        return
    own = type(sandbox)(tmp_path)
    settings.STRIPE_API_BASE = own.url
    gateway._client.cache_clear()
    yield own
    own.close()


@pytest.fixture
def pay(sandbox, opened):
    """An order paid at the sandbox with a card, and settled: `pay(order)`."""

    def pay_it(order: Order, card: str = "4242 4242 4242 4242") -> Order:
        opened(order)
        assert sandbox.pay(order.checkout_url, card) == 303
        return settlement.ask(order)

    return pay_it


@pytest.fixture
def bought(order, pay):
    """Alice's 350 coins for 4.15 EUR, of which 0.78 are tax: paid with a card, and delivered."""
    return pay(order)


@pytest.fixture
def happen(sandbox):
    """What buyers and banks do: `happen("disputes", charge=…)`. The object as it is then."""

    def act(what: str, **form: str) -> Any:
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{sandbox.url}/_sandbox/{what}", body, timeout=10) as answer:
            return json.load(answer)

    return act


@pytest.fixture
def time_at_provider(sandbox):
    """The provider's clock goes on: `time_at_provider(hours=2)`. It never goes back, so such a test has its own one."""

    def go_on(**span: float) -> None:
        seconds = int(timedelta(**span).total_seconds())
        assert sandbox.post(f"{sandbox.url}/_sandbox/clock", {"advance_s": str(seconds)}) == 200

    return go_on


@pytest.fixture
def news(sandbox):
    """The provider's events about an order's payment since it was paid, oldest first, as they would be delivered."""

    def since_paid(order: Order) -> list[dict[str, Any]]:
        intent = order.payments.first().intent_id
        events = gateway._client().v1.events.list({"limit": 100}).auto_paging_iter()
        told = [event.to_dict() for event in events if event.type in MATTERS]
        return [
            event for event in reversed(told) if gateway.intent_of(event) == intent and "session" not in event["type"]
        ]

    return since_paid


@pytest.fixture
def tell():
    """An event arrives and is worked on."""

    def work(event: dict[str, Any]) -> None:
        inbox.store(event)
        inbox.work(event["id"])
        row = StripeEvent.objects.get(pk=event["id"])
        assert row.state == "done", row.remark

    return work
