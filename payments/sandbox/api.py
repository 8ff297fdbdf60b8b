"""The table of contents of /v1, and the rules that every request to it follows."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import (
    account,
    charges,
    checkout,
    events,
    expand,
    forms,
    idempotency,
    ids,
    intents,
    params,
    webhook_endpoints,
)
from .answers import Answer, Request
from .drawer import API_VERSION, Call, Cause, Drawer
from .errors import ApiError, unknown_url, wrong_key
from .idempotency import Remembered, Running
from .store import Object

ROUTES: list[tuple[str, str, Callable[..., Object]]] = [
    ("POST", "/v1/checkout/sessions", checkout.create),
    ("GET", "/v1/checkout/sessions", checkout.index),
    ("GET", "/v1/checkout/sessions/{id}", checkout.retrieve),
    ("GET", "/v1/checkout/sessions/{id}/line_items", checkout.items_index),
    ("POST", "/v1/checkout/sessions/{id}/expire", checkout.expire),
    ("GET", "/v1/payment_intents", intents.index),
    ("GET", "/v1/payment_intents/{id}", intents.retrieve),
    ("GET", "/v1/charges", charges.index),
    ("GET", "/v1/charges/{id}", charges.retrieve),
    ("GET", "/v1/balance_transactions/{id}", charges.retrieve_transaction),
    ("GET", "/v1/events", events.index),
    ("GET", "/v1/events/{id}", events.retrieve),
    ("POST", "/v1/webhook_endpoints", webhook_endpoints.create),
    ("GET", "/v1/webhook_endpoints", webhook_endpoints.index),
    ("GET", "/v1/webhook_endpoints/{id}", webhook_endpoints.retrieve),
    ("POST", "/v1/webhook_endpoints/{id}", webhook_endpoints.update),
    ("DELETE", "/v1/webhook_endpoints/{id}", webhook_endpoints.delete),
    ("GET", "/v1/account", account.retrieve),
]
_PATTERNS = [(verb, re.compile(path.replace("{id}", r"([A-Za-z0-9_]+)")), handler) for verb, path, handler in ROUTES]
_EXPAND = params.list_of(params.text)


@dataclass(frozen=True)
class Api:
    """Answers requests under /v1."""

    drawer: Drawer
    running: Running

    def answer(self, request: Request) -> Answer:
        """Stripe's answer, with the headers a client looks at."""
        request_id = ids.new("req_", 14)
        try:
            answer = self._admitted(request, request_id)
        except ApiError as refusal:
            answer = _refused(refusal, request_id)
        answer.headers.setdefault("Request-Id", request_id)
        answer.headers["Stripe-Version"] = request.header("Stripe-Version") or API_VERSION
        if key := request.header("Idempotency-Key"):
            answer.headers["Idempotency-Key"] = key
        return answer

    def _admitted(self, request: Request, request_id: str) -> Answer:
        self._suffer_faults()
        _authorise(request)
        key = _idempotency_key(request)
        with self.running.alone(key):
            time.sleep(self.drawer.faults.api_delay_ms / 1000)
            return self._once(request, key, request_id)

    def _suffer_faults(self) -> None:
        if self.drawer.faults.api_is_down:
            raise ApiError("The sandbox plays an outage.", status=503, kind="api_error")

    def _once(self, request: Request, key: str | None, request_id: str) -> Answer:
        """One transaction: the effect and the memory of it, or neither."""
        call = Call(self.drawer, forms.parse(request.form), Cause(request_id, key))
        asked = idempotency.fingerprint(request.path, request.form)
        with self.drawer.changing():
            checkout.expire_due(self.drawer)
            if key and (before := idempotency.recall(self.drawer, key, asked)):
                return _replayed(before)
            first = _executed(request, call, request_id)
            if key:
                idempotency.remember(self.drawer, key, asked, first)
        headers = {"Original-Request": request_id} if key else {}
        return Answer.json(first.body, status=first.status, headers=headers)


def _authorise(request: Request) -> None:
    scheme, _, key = (request.header("Authorization") or "").partition(" ")
    if scheme != "Bearer" or not key:
        raise ApiError("You did not provide an API key. Send it as `Authorization: Bearer sk_test_…`.", status=401)
    if not re.fullmatch(r"[sr]k_test_\S+", key):
        raise wrong_key(key[:3] + "…")


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
