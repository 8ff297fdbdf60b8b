"""The table of contents of /v1, and the rules that every request to it follows."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import (
    account_links,
    accounts,
    balance,
    catalogue,
    charges,
    checkout,
    customers,
    disputes,
    events,
    expand,
    forms,
    fraud,
    idempotency,
    ids,
    intents,
    means,
    method_configurations,
    params,
    passing,
    payouts,
    refunds,
    reviews,
    transfers,
    webhook_endpoints,
)
from .answers import Answer, Request
from .drawer import API_VERSION, Call, Cause, Drawer
from .errors import ApiError, unknown_url, wrong_key
from .faults import Outage
from .idempotency import Remembered, Running
from .store import Object

ROUTES: list[tuple[str, str, Callable[..., Object]]] = [
    ("POST", "/v1/checkout/sessions", checkout.create),
    ("GET", "/v1/checkout/sessions", checkout.index),
    ("GET", "/v1/checkout/sessions/{id}", checkout.retrieve),
    ("POST", "/v1/checkout/sessions/{id}", checkout.update),
    ("GET", "/v1/checkout/sessions/{id}/line_items", checkout.items_index),
    ("POST", "/v1/checkout/sessions/{id}/expire", checkout.expire),
    ("GET", "/v1/payment_intents", intents.index),
    ("GET", "/v1/payment_intents/{id}", intents.retrieve),
    ("POST", "/v1/payment_intents/{id}", intents.update),
    ("POST", "/v1/payment_intents/{id}/cancel", intents.cancel_one),
    ("GET", "/v1/charges", charges.index),
    ("GET", "/v1/charges/{id}", charges.retrieve),
    ("POST", "/v1/charges/{id}", charges.update),
    ("GET", "/v1/payment_methods/{id}", means.retrieve),
    ("GET", "/v1/reviews", reviews.index),
    ("GET", "/v1/reviews/{id}", reviews.retrieve),
    ("POST", "/v1/reviews/{id}/approve", reviews.approve),
    ("POST", "/v1/refunds", refunds.create),
    ("GET", "/v1/refunds", refunds.index),
    ("GET", "/v1/refunds/{id}", refunds.retrieve),
    ("POST", "/v1/refunds/{id}", refunds.update),
    ("POST", "/v1/refunds/{id}/cancel", refunds.cancel),
    ("GET", "/v1/disputes", disputes.index),
    ("GET", "/v1/disputes/{id}", disputes.retrieve),
    ("POST", "/v1/disputes/{id}", disputes.update),
    ("POST", "/v1/disputes/{id}/close", disputes.close),
    ("GET", "/v1/radar/early_fraud_warnings", fraud.index),
    ("GET", "/v1/radar/early_fraud_warnings/{id}", fraud.retrieve),
    ("GET", "/v1/balance", balance.show),
    ("POST", "/v1/payouts", payouts.create),
    ("GET", "/v1/payouts", payouts.index),
    ("GET", "/v1/payouts/{id}", payouts.retrieve),
    ("GET", "/v1/balance_transactions", balance.index),
    ("GET", "/v1/balance_transactions/{id}", balance.retrieve),
    ("GET", "/v1/events", events.index),
    ("GET", "/v1/events/{id}", events.retrieve),
    ("POST", "/v1/webhook_endpoints", webhook_endpoints.create),
    ("GET", "/v1/webhook_endpoints", webhook_endpoints.index),
    ("GET", "/v1/webhook_endpoints/{id}", webhook_endpoints.retrieve),
    ("POST", "/v1/webhook_endpoints/{id}", webhook_endpoints.update),
    ("DELETE", "/v1/webhook_endpoints/{id}", webhook_endpoints.delete),
    ("POST", "/v1/customers", customers.create),
    ("GET", "/v1/customers", customers.index),
    ("GET", "/v1/customers/{id}", customers.retrieve),
    ("POST", "/v1/customers/{id}", customers.update),
    ("DELETE", "/v1/customers/{id}", customers.delete),
    ("POST", "/v1/products", catalogue.create_product),
    ("GET", "/v1/products", catalogue.products_index),
    ("GET", "/v1/products/{id}", catalogue.retrieve_product),
    ("POST", "/v1/products/{id}", catalogue.update_product),
    ("POST", "/v1/prices", catalogue.create_price),
    ("GET", "/v1/prices", catalogue.prices_index),
    ("GET", "/v1/prices/{id}", catalogue.retrieve_price),
    ("POST", "/v1/prices/{id}", catalogue.update_price),
    ("GET", "/v1/payment_method_configurations", method_configurations.index),
    ("GET", "/v1/payment_method_configurations/{id}", method_configurations.retrieve),
    ("GET", "/v1/account", accounts.current),
    ("POST", "/v1/accounts", accounts.create),
    ("GET", "/v1/accounts", accounts.index),
    ("GET", "/v1/accounts/{id}", accounts.retrieve),
    ("POST", "/v1/accounts/{id}", accounts.update),
    ("DELETE", "/v1/accounts/{id}", accounts.delete),
    ("POST", "/v1/accounts/{id}/login_links", account_links.create_login),
    ("POST", "/v1/account_links", account_links.create),
    ("POST", "/v1/transfers", transfers.create),
    ("GET", "/v1/transfers", transfers.index),
    ("GET", "/v1/transfers/{id}", transfers.retrieve),
    ("POST", "/v1/transfers/{id}", transfers.update),
    ("POST", "/v1/transfers/{id}/reversals", transfers.reverse),
    ("GET", "/v1/transfers/{id}/reversals", transfers.reversals_index),
    ("GET", "/v1/transfers/{id}/reversals/{id}", transfers.retrieve_reversal),
]
_PATTERNS = [(verb, re.compile(path.replace("{id}", r"([A-Za-z0-9_]+)")), handler) for verb, path, handler in ROUTES]
_EXPAND = params.list_of(params.text)

# What can be asked about a connected account, with the ``Stripe-Account`` header.
ON_ACCOUNTS = re.compile(r"/v1/(account|balance|balance_transactions|charges|payouts)(/\w+)?")


@dataclass(frozen=True)
class Api:
    """Answers requests under /v1."""

    drawer: Drawer
    running: Running

    def answer(self, request: Request) -> Answer:
        """Stripe's answer, with the headers a client looks at, unless an outage swallows it."""
        request_id = ids.new("req_", 14)
        outage = self.drawer.faults.hit(request.path)
        if outage and not outage.after:
            return _labelled(_broken(outage, request_id), request, request_id)
        try:
            answer = self._admitted(request, request_id)
        except ApiError as refusal:
            answer = _refused(refusal, request_id)
        return _labelled(_broken(outage, request_id) if outage else answer, request, request_id)

    def _admitted(self, request: Request, request_id: str) -> Answer:
        if self.drawer.faults.api_is_down:
            raise ApiError("The sandbox plays an outage.", status=503, kind="api_error")
        _authorise(request)
        key = _idempotency_key(request)
        with self.running.alone(key):
            time.sleep(self.drawer.faults.api_delay_ms / 1000)
            return self._once(request, key, request_id)

    def _once(self, request: Request, key: str | None, request_id: str) -> Answer:
        """One transaction: the effect and the memory of it, or neither."""
        account = request.header("Stripe-Account")
        call = Call(self.drawer, forms.parse(request.form), Cause(request_id, key), account)
        asked = idempotency.fingerprint(f"{account or ''}{request.path}", request.form)
        with self.drawer.changing():
            passing.catch_up(self.drawer)
            if key and (before := idempotency.recall(self.drawer, key, asked)):
                return _replayed(before)
            _enter_account(call, request)
            first = _executed(request, call, request_id)
            if key:
                idempotency.remember(self.drawer, key, asked, first)
        headers = {"Original-Request": request_id} if key else {}
        return Answer.json(first.body, status=first.status, headers=headers)


def _labelled(answer: Answer, request: Request, request_id: str) -> Answer:
    answer.headers.setdefault("Request-Id", request_id)
    answer.headers["Stripe-Version"] = request.header("Stripe-Version") or API_VERSION
    if key := request.header("Idempotency-Key"):
        answer.headers["Idempotency-Key"] = key
    return answer


def _broken(outage: Outage, request_id: str) -> Answer:
    if outage.kind in ("timeout", "reset"):
        return Answer(500, b"", breaks=outage.kind)
    if outage.kind == "429":
        return _refused(
            ApiError("Too many requests hit the API too quickly.", status=429, code="rate_limit"), request_id
        )
    return _refused(ApiError("The sandbox plays an outage.", status=int(outage.kind), kind="api_error"), request_id)


def _authorise(request: Request) -> None:
    scheme, _, key = (request.header("Authorization") or "").partition(" ")
    if scheme != "Bearer" or not key:
        raise ApiError("You did not provide an API key. Send it as `Authorization: Bearer sk_test_…`.", status=401)
    if not re.fullmatch(r"[sr]k_test_\S+", key):
        raise wrong_key(key[:3] + "…")


def _enter_account(call: Call, request: Request) -> None:
    if call.account is None:
        return
    accounts.find(call.drawer, call.account)
    if not ON_ACCOUNTS.fullmatch(request.path):
        raise ApiError(f"The sandbox does not imitate {request.path} on a connected account; see docs/sandbox.md.")


def _idempotency_key(request: Request) -> str | None:
    key = request.header("Idempotency-Key") if request.method == "POST" else None
    if key and len(key) > 255:
        raise ApiError("An idempotency key can be at most 255 characters long.", kind="idempotency_error")
    return key or None


def _executed(request: Request, call: Call, request_id: str) -> Remembered:
    try:
        return Remembered(200, json.dumps(_dispatch(request, call), indent=2), request_id)
    except ApiError as refusal:
        if not refusal.executed:
            raise
        return Remembered(refusal.status, json.dumps(refusal.envelope(request_id), indent=2), request_id)


def _dispatch(request: Request, call: Call) -> Object:
    for verb, pattern, handler in _PATTERNS:
        match = pattern.fullmatch(request.path)
        if match and verb == request.method:
            paths = _EXPAND(call.params.pop("expand", {}), "expand")
            return expand.fill(call.drawer, handler(call, *match.groups()), paths)
    raise unknown_url(request.method, request.path)


def _replayed(before: Remembered) -> Answer:
    headers = {"Idempotent-Replayed": "true", "Original-Request": before.request_id}
    return Answer.json(before.body, status=before.status, headers=headers)


def _refused(refusal: ApiError, request_id: str) -> Answer:
    headers = {"Stripe-Should-Retry": "true"} if refusal.should_retry else {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    return Answer.json(json.dumps(refusal.envelope(request_id), indent=2), status=refusal.status, headers=headers)
