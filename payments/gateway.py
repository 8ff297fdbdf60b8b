"""Stripe, in our words. The only module that imports its client; nothing of Stripe's own types leaves it.

One evidence shape comes out, whether it was read from a signed event or fetched. https://docs.stripe.com/checkout/fulfillment
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn
from uuid import UUID

import stripe
from django.conf import settings

from payments.models import Order

log = logging.getLogger(__name__)

API_VERSION: str = stripe.api_version or ""  # events of another version are hints only: what they speak of is fetched
CHECKOUT_LASTS = timedelta(hours=2)  # from when the attempt to pay began
OPENS_UNTIL = CHECKOUT_LASTS - timedelta(minutes=31)  # Stripe wants a session to last at least 30 minutes
CHECKOUT_SPEAKS = frozenset(  # not Arabic: there the page follows the browser
    "bg cs da de el en es et fi fil fr hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk sl "
    "sv th tr vi zh".split()
)
WILL_NOT_COME = frozenset(["requires_payment_method", "canceled"])  # of the payment of a session that is complete
MOST_EVENT_BYTES = 256 * 1024
SIGNATURE_TOLERANCE_S = 300


class ProviderAway(Exception):
    """The provider did not answer, or not now. Nothing is known about what it did; try the same again later."""


class ProviderRefused(Exception):
    """The provider understood and said no. `code` is its word for why; empty where the fault is in how it was asked."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


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
    has_failed: bool = False  # the buyer is done, and the money that was to follow will not come
    failure: str = ""  # why the latest try to pay failed, in the provider's word
    due_at: datetime | None = None  # until when a voucher can be paid
    voucher_url: str = ""

    @property
    def order_id(self) -> UUID | None:
        """The order that the session names first, if that is an order's id at all."""
        try:
            return UUID(self.order_ids[0]) if self.order_ids else None
        except ValueError:
            return None


def open_checkout(order: Order, *, product: str, success_url: str, cancel_url: str, language: str) -> Checkout:
    """Open the payment page of an order. Called again for the same attempt it answers with the same page.

    The idempotency key is the attempt's own, so a lost answer or a second worker cannot open a second session; what a
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
        "expires_at": int((order.attempt_began_at + CHECKOUT_LASTS).timestamp()),
        "locale": _spoken(language),
    }
    key = order.key(f"checkout {order.attempt} {language} {order.buyer.email}")
    with _errors():
        session = _client().v1.checkout.sessions.create(
            params=params,  # type: ignore[arg-type]  # the client's TypedDict knows the languages by name
            options={"idempotency_key": str(key)},
        )
    return Checkout(
        session_id=session.id, url=session.url or "", ends_at=datetime.fromtimestamp(session.expires_at, tz=UTC)
    )


def _spoken(language: str) -> str:
    """A language as the payment page names it; where it has not got it, the page follows the browser."""
    wanted = {spoken.lower(): spoken for spoken in CHECKOUT_SPEAKS}
    return wanted.get(language.lower(), "auto")


def fetch(session_id: str) -> Evidence:
    """Ask the provider about a checkout session and its payment. Raises ProviderAway and ProviderRefused."""
    with _errors():
        session = _client().v1.checkout.sessions.retrieve(session_id, params={"expand": ["payment_intent"]})
    return _evidence(session.to_dict())


def close_checkout(session_id: str) -> Evidence:
    """Let nobody pay on a page any more, and say what became of it: it may have been paid a moment before.

    Only an open session can be closed, so a refusal is an answer too. Raises ProviderAway and ProviderRefused.
    """
    try:
        with _errors():
            _client().v1.checkout.sessions.expire(session_id)
    except ProviderRefused:
        pass
    return fetch(session_id)


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
    except (stripe.SignatureVerificationError, ValueError, RecursionError) as problem:
        raise BadEvent(str(problem)) from problem
    return _keepable(event)


def _refuse(constant: str) -> NoReturn:
    raise BadEvent(f"{constant} is not JSON")


def _keepable(event: Any) -> dict[str, Any]:
    """An event that a database can keep. Raises BadEvent."""
    try:
        text = json.dumps(event, ensure_ascii=False, allow_nan=False)  # 1e999 is infinite
        text.encode()  # refuses half a character
    except (ValueError, RecursionError) as problem:
        raise BadEvent(str(problem)) from problem
    if "\\u0000" in text.replace("\\\\", ""):  # a backslash that somebody typed is two
        raise BadEvent("it has a NUL, which no database keeps")
    if not isinstance(event, dict) or event.get("object") != "event" or not _is_event(event):
        raise BadEvent("signed, but not an event")
    return event


def _is_event(event: dict[str, Any]) -> bool:
    named = all(isinstance(event.get(name), str) and 0 < len(event[name]) <= 255 for name in ["id", "type"])
    return named and isinstance(event.get("data"), dict) and isinstance(event["data"].get("object"), dict)


@dataclass(frozen=True, kw_only=True)
class Decline:
    """A try to pay that failed: for which order, and why in the provider's word."""

    order_id: UUID
    code: str
    reference: str


def decline_in(event: dict[str, Any]) -> Decline | None:
    """What a `payment_intent.payment_failed` says; None where it is about no order of ours.

    A page that is still open names its payment to nobody, so the event is where a decline can be read.
    https://docs.stripe.com/api/payment_intents/object#payment_intent_object-last_payment_error
    """
    intent = event["data"]["object"]
    error, metadata = intent.get("last_payment_error"), intent.get("metadata")
    try:
        order_id = UUID(metadata["order"])
        reference = error.get("charge") or event["id"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return Decline(order_id=order_id, code=_why(error), reference=str(reference)[:255])


def _why(error: dict[str, Any]) -> str:
    """The bank's word where it gave one, else the provider's own; other ways to pay than cards know only the latter."""
    return str(error.get("decline_code") or error.get("code") or "")[:100]


@dataclass(frozen=True, kw_only=True)
class CardUsed:
    """Where a card that paid for an order was issued."""

    order_id: UUID
    country: str
    charge_id: str


def card_in(event: dict[str, Any]) -> CardUsed | None:
    """The card that a `charge.succeeded` tells of; None for other ways to pay, and for no order of ours.

    https://docs.stripe.com/api/charges/object#charge_object-payment_method_details-card-country
    """
    charge = event["data"]["object"]
    try:
        country = charge["payment_method_details"]["card"]["country"]
        used = CardUsed(order_id=UUID(charge["metadata"]["order"]), country=country, charge_id=charge["id"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return used if isinstance(country, str) and re.fullmatch("[A-Z]{2}", country) else None


def events_after(event_id: str, types: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Events of some types since one that we know, oldest first; without one, all that the provider keeps: 30 days.

    Raises ProviderAway, and ProviderRefused when it does not know that event any more.
    https://docs.stripe.com/webhooks/process-undelivered-events
    """
    after = {"ending_before": event_id} if event_id else {}
    found = _events({"types": [*types], "limit": 100} | after)
    return found if event_id else reversed([*found])  # only towards the newer ones does the client page oldest first


def undelivered_events(types: Iterable[str], *, since: datetime) -> Iterator[dict[str, Any]]:
    """Events that no webhook of ours has acknowledged, newest first. Raises ProviderAway."""
    params = {"types": [*types], "limit": 100, "delivery_success": False, "created": {"gte": int(since.timestamp())}}
    return _events(params)


def _events(params: Any) -> Iterator[dict[str, Any]]:
    with _errors():
        for event in _client().v1.events.list(params=params).auto_paging_iter():
            try:
                # The client makes decimals of some figures; as text they are what the webhook would have brought.
                yield _keepable(json.loads(json.dumps(event.to_dict(), default=str)))
            except BadEvent as problem:
                log.error("event %s cannot be kept: %s", event.id, problem)


@dataclass(frozen=True, kw_only=True)
class BalanceEntry:
    """One line of the balance that the provider keeps for us. Amounts are minor units; currencies are upper case.

    What the buyer paid or got back, `gross_minor`, is in the currency of the order; the rest is in the one it settled
    in. Both are negative where money left. https://docs.stripe.com/api/balance_transactions/object
    """

    id: str
    kind: str
    category: str
    source_id: str
    intent_id: str
    gross_minor: int
    gross_currency: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    exchange_rate: Decimal | None
    created_at: datetime
    available_on: datetime


def balance_entries_after(entry_id: str) -> Iterator[BalanceEntry]:
    """The lines of the balance after one that we know, oldest first; without one, all of them. Raises ProviderAway."""
    after = {"ending_before": entry_id} if entry_id else {}
    params: Any = {"limit": 100, "expand": ["data.source"]} | after
    with _errors():
        found = _client().v1.balance_transactions.list(params=params).auto_paging_iter()
        for line in found if entry_id else reversed([*found]):
            yield _entry(line.to_dict())


def _entry(line: dict[str, Any]) -> BalanceEntry:
    source = line["source"] if isinstance(line["source"], dict) else {"id": line["source"]}
    is_about_a_payment = source.get("object") in ("charge", "refund", "dispute")
    gross = source["amount"] if is_about_a_payment and line["amount"] else abs(line["amount"])
    rate = line["exchange_rate"]
    return BalanceEntry(
        id=line["id"],
        kind=line["type"],
        category=line["reporting_category"],
        source_id=source["id"] or "",
        intent_id=source.get("payment_intent") or "",
        gross_minor=gross if line["amount"] > 0 else -gross,
        gross_currency=(source["currency"] if is_about_a_payment else line["currency"]).upper(),
        amount_minor=line["amount"],
        fee_minor=line["fee"],
        net_minor=line["net"],
        currency=line["currency"].upper(),
        exchange_rate=None if rate is None else Decimal(str(rate)),
        created_at=_moment(line["created"]),
        available_on=_moment(line["available_on"]),
    )


def balance() -> dict[str, int]:
    """What the provider holds for us, available or on its way, in minor units by currency. Raises ProviderAway."""
    with _errors():
        held = _client().v1.balance.retrieve().to_dict()
    total: dict[str, int] = {}
    for part in [*held["available"], *held["pending"]]:
        currency = part["currency"].upper()
        total[currency] = total.get(currency, 0) + part["amount"]
    return total


def checkout_of(intent_id: str) -> Evidence | None:
    """Evidence of the checkout session that led to a payment. Raises ProviderAway and ProviderRefused."""
    with _errors():
        sessions = _client().v1.checkout.sessions.list({"payment_intent": intent_id, "limit": 1})
    return _evidence(sessions.data[0].to_dict()) if sessions.data else None


def _moment(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, tz=UTC)


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
    payment: dict[str, Any] = intent if isinstance(intent, dict) else {"id": intent or ""}
    voucher = _voucher(payment)
    due = voucher.get("expires_at") or voucher.get("expires_after")
    named = [session.get("client_reference_id"), (session.get("metadata") or {}).get("order")]
    return Evidence(
        session_id=session["id"],
        order_ids=tuple(str(order) for order in named if order),
        status=session["status"],
        is_paid=session["payment_status"] == "paid",
        intent_id=payment["id"],
        amount_minor=session["amount_total"],
        currency=session["currency"].upper(),
        is_live=session["livemode"],
        has_failed=session["status"] == "complete" and payment.get("status") in WILL_NOT_COME,
        failure=_why(payment.get("last_payment_error") or {}),
        due_at=datetime.fromtimestamp(due, tz=UTC) if due else None,
        voucher_url=voucher.get("hosted_voucher_url") or "",
    )


def _voucher(payment: dict[str, Any]) -> dict[str, Any]:
    """What a payment tells its buyer to do next, such as `oxxo_display_details`: to go and pay somewhere."""
    action = payment.get("next_action") or {}
    return action.get(action.get("type")) or {}


@dataclass(frozen=True, kw_only=True)
class RefundSaid:
    """What the provider says about one refund. `ours` is the id of the row that we sent it for, if we did."""

    stripe_id: str
    ours: str
    amount_minor: int
    currency: str
    status: str
    reason: str
    failure: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class DisputeSaid:
    """What the provider says about one dispute."""

    stripe_id: str
    amount_minor: int
    currency: str
    reason: str
    status: str
    is_withdrawn: bool
    due_by: datetime | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class WarningSaid:
    """What the provider says about one early fraud warning."""

    stripe_id: str
    fraud_type: str
    is_actionable: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """All that became of a payment after it was made, as the provider tells it at one moment."""

    refunds: list[RefundSaid]
    disputes: list[DisputeSaid]
    warnings: list[WarningSaid]


def intent_of(event: dict[str, Any]) -> str:
    """The payment that an event about a charge, a refund, a dispute or a warning names; empty when it names none."""
    intent = event["data"]["object"].get("payment_intent")
    return intent if isinstance(intent, str) else ""


def aftermath_of(intent_id: str) -> Aftermath:
    """Ask for all refunds, disputes and fraud warnings of a payment. Raises ProviderAway and ProviderRefused."""
    with _errors():
        stripe_v1 = _client().v1
        refunds = stripe_v1.refunds.list({"payment_intent": intent_id, "limit": 100})
        disputes = stripe_v1.disputes.list({"payment_intent": intent_id, "limit": 100})
        warnings = stripe_v1.radar.early_fraud_warnings.list({"payment_intent": intent_id, "limit": 100})
        return Aftermath(
            refunds=[_refund(each.to_dict()) for each in refunds.auto_paging_iter()],
            disputes=[_dispute(each.to_dict()) for each in disputes.auto_paging_iter()],
            warnings=[_warning(each.to_dict()) for each in warnings.auto_paging_iter()],
        )


def create_refund(intent_id: str, *, amount_minor: int, reason: str, ours: str, key: UUID) -> None:
    """Give money back. What became of it is told by `aftermath_of`: the answer to a repeated key may be an old one.

    Raises ProviderAway, when nothing is known, and ProviderRefused. Never call it inside a transaction.
    """
    params: dict[str, Any] = {"payment_intent": intent_id, "amount": amount_minor, "metadata": {"refund": ours}}
    if reason:
        params["reason"] = reason
    with _errors():
        _client().v1.refunds.create(params=params, options={"idempotency_key": str(key)})  # type: ignore[arg-type]


def submit_evidence(dispute_id: str, fields: dict[str, str], *, key: UUID) -> None:
    """Hand a dispute's evidence to the bank. It is read once. Raises ProviderAway and ProviderRefused."""
    params: dict[str, Any] = {"evidence": fields, "submit": True}
    with _errors():
        _client().v1.disputes.update(dispute_id, params=params, options={"idempotency_key": str(key)})  # type: ignore[arg-type]


def _refund(said: dict[str, Any]) -> RefundSaid:
    return RefundSaid(
        stripe_id=said["id"],
        ours=(said.get("metadata") or {}).get("refund", ""),
        amount_minor=said["amount"],
        currency=said["currency"].upper(),
        status=said["status"],
        reason=said.get("reason") or "",
        failure=said.get("failure_reason") or "",
        created_at=_moment(said["created"]),
    )


def _dispute(said: dict[str, Any]) -> DisputeSaid:
    due_by = (said.get("evidence_details") or {}).get("due_by")
    return DisputeSaid(
        stripe_id=said["id"],
        amount_minor=said["amount"],
        currency=said["currency"].upper(),
        reason=said["reason"],
        status=said["status"],
        is_withdrawn=sum(moved["amount"] for moved in said["balance_transactions"]) < 0,  # what came back is among them
        due_by=_moment(due_by) if due_by else None,
        created_at=_moment(said["created"]),
    )


def _warning(said: dict[str, Any]) -> WarningSaid:
    return WarningSaid(
        stripe_id=said["id"],
        fraud_type=said["fraud_type"],
        is_actionable=said["actionable"],
        created_at=_moment(said["created"]),
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
        raise ProviderRefused(str(problem), _reason(problem)) from problem


def _reason(problem: stripe.StripeError) -> str:
    """Why the provider will not do something. Nothing, where it was asked in a way that it could not even consider."""
    is_an_answer = isinstance(problem, stripe.InvalidRequestError) and problem.http_status == 400
    code = problem.code or "refused"
    return code if is_an_answer and not code.startswith(("parameter_", "resource_")) else ""
