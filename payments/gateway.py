"""Stripe, in our words. The only module that imports its client; nothing of Stripe's own types leaves it.

One evidence shape comes out, whether it was read from a signed event or fetched. https://docs.stripe.com/checkout/fulfillment
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NoReturn
from uuid import UUID

import stripe
from django.conf import settings

from payments.models import Order

API_VERSION: str = stripe.api_version or ""  # events of another version are hints only: what they speak of is fetched
CHECKOUT_LASTS = timedelta(hours=2)  # from when the order was made
OPENS_UNTIL = CHECKOUT_LASTS - timedelta(minutes=31)  # Stripe wants a session to last at least 30 minutes
CHECKOUT_SPEAKS = frozenset(  # not Arabic: there the page follows the browser
    "bg cs da de el en es et fi fil fr hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk sl "
    "sv th tr vi zh".split()
)
MOST_EVENT_BYTES = 256 * 1024
SIGNATURE_TOLERANCE_S = 300


class ProviderAway(Exception):
    """The provider did not answer, or not now. Nothing is known about what it did; try the same again later."""


class ProviderRefused(Exception):
    """The provider understood and said no."""


class BadEvent(Exception):
    """What was posted to the webhook is not a signed event."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A payment page that is open for a person."""

    session_id: str
    url: str
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the provider says about one checkout session. Amounts are minor units; currency is upper case."""

    session_id: str
    order_ids: tuple[str, ...]  # every place where a session names its order
    status: str
    is_paid: bool
    intent_id: str
    amount_minor: int
    currency: str
    is_live: bool

    @property
    def order_id(self) -> UUID | None:
        """The order that the session names first, if that is an order's id at all."""
        try:
            return UUID(self.order_ids[0]) if self.order_ids else None
        except ValueError:
            return None


def open_checkout(order: Order, *, product: str, success_url: str, cancel_url: str, language: str) -> Checkout:
    """Open the payment page of an order. Called again for the same order it answers with the same page.

    The idempotency key is the order's own, so a lost answer or a second worker cannot open a second session; what a
    person may change meanwhile is part of it, because the same key with other words is an error.
    Raises ProviderAway and ProviderRefused. Never call it inside a transaction.
    """
    params: dict[str, Any] = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.currency.lower(),
                    "unit_amount": order.price_minor,
                    "product_data": {"name": product},
                },
            }
        ],
        "client_reference_id": str(order.pk),
        "metadata": {"order": str(order.pk)},
        "payment_intent_data": {"metadata": {"order": str(order.pk)}, "description": product},
        "customer_email": order.buyer.email,
        "success_url": success_url,
        "cancel_url": cancel_url,
        "expires_at": int((order.created_at + CHECKOUT_LASTS).timestamp()),
        "locale": language if language in CHECKOUT_SPEAKS else "auto",
    }
    with _errors():
        session = _client().v1.checkout.sessions.create(
            params=params,  # type: ignore[arg-type]  # the client's TypedDict knows the languages by name
            options={"idempotency_key": str(order.key(f"checkout {language} {order.buyer.email}"))},
        )
    return Checkout(
        session_id=session.id, url=session.url or "", ends_at=datetime.fromtimestamp(session.expires_at, tz=UTC)
    )


def fetch(session_id: str) -> Evidence:
    """Ask the provider about a checkout session. Raises ProviderAway and ProviderRefused."""
    with _errors():
        session = _client().v1.checkout.sessions.retrieve(session_id)
    return _evidence(session.to_dict())


def verify(body: bytes, signature: str) -> dict[str, Any]:
    """The event in a webhook's body, once its signature holds. Raises BadEvent for anything else whatsoever.

    The client's own check meets a non-ASCII signature, a deep nest or a bare list with TypeError, RecursionError and
    AttributeError, so the bytes are checked and parsed by us around it.
    """
    if len(body) > MOST_EVENT_BYTES or not signature.isascii():
        raise BadEvent("too large, or not a signature")
    try:
        stripe.WebhookSignature.verify_header(
            body.decode(), signature, settings.STRIPE_WEBHOOK_SECRET, SIGNATURE_TOLERANCE_S
        )
        event = json.loads(body, parse_constant=_refuse)
        text = json.dumps(event, ensure_ascii=False, allow_nan=False)  # 1e999 is infinite
        text.encode()  # refuses half a character
        if "\\u0000" in text:
            raise BadEvent("it has a NUL, which no database keeps")
    except (stripe.SignatureVerificationError, ValueError, RecursionError) as problem:
        raise BadEvent(str(problem)) from problem
    if not isinstance(event, dict) or event.get("object") != "event" or not _is_event(event):
        raise BadEvent("signed, but not an event")
    return event


def _refuse(constant: str) -> NoReturn:
    raise BadEvent(f"{constant} is not JSON")


def _is_event(event: dict[str, Any]) -> bool:
    named = all(isinstance(event.get(name), str) and 0 < len(event[name]) <= 255 for name in ["id", "type"])
    return named and isinstance(event.get("data"), dict) and isinstance(event["data"].get("object"), dict)


def session_of(event: dict[str, Any]) -> str:
    """The checkout session that an event speaks of; an empty string when it speaks of something else."""
    thing = event["data"]["object"]
    session_id = thing.get("id")
    return session_id if thing.get("object") == "checkout.session" and isinstance(session_id, str) else ""


def evidence_in(event: dict[str, Any]) -> Evidence | None:
    """Evidence from a verified event itself, where that can be trusted: it is of our version and says paid."""
    thing = event["data"]["object"]
    if event.get("api_version") != API_VERSION or thing.get("payment_status") != "paid":
        return None
    try:
        return _evidence(thing)
    except (KeyError, TypeError, AttributeError):
        return None


def _evidence(session: dict[str, Any]) -> Evidence:
    intent = session["payment_intent"]
    named = [session.get("client_reference_id"), (session.get("metadata") or {}).get("order")]
    return Evidence(
        session_id=session["id"],
        order_ids=tuple(str(order) for order in named if order),
        status=session["status"],
        is_paid=session["payment_status"] == "paid",
        intent_id=(intent or {}).get("id", "") if not isinstance(intent, str) else intent,
        amount_minor=session["amount_total"],
        currency=session["currency"].upper(),
        is_live=session["livemode"],
    )


def is_live() -> bool:
    """Does this shop take real money?"""
    return "_live_" in settings.STRIPE_API_KEY


@cache
def _client() -> stripe.StripeClient:
    addresses: Any = {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {}
    return stripe.StripeClient(
        settings.STRIPE_API_KEY,
        base_addresses=addresses,
        http_client=stripe.RequestsClient(timeout=(2, 8)),
        max_network_retries=1,
    )


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as problem:
        raise ProviderAway(str(problem)) from problem
    except stripe.StripeError as problem:
        if problem.http_status == 409:  # the same request is still under way
            raise ProviderAway(str(problem)) from problem
        raise ProviderRefused(str(problem)) from problem
