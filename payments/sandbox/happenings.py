"""What buyers, banks and the weather do to a payment, by HTTP: ``POST /_sandbox/disputes`` with ``charge=ch_…``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from . import (
    accounts,
    delayed,
    deliveries,
    disputes,
    forms,
    fraud,
    money,
    params,
    payouts,
    rates,
    refunds,
    reviews,
    webhook_endpoints,
)
from .answers import Answer, Request
from .drawer import Drawer
from .errors import ApiError, missing_object
from .store import Object, field_is

Happening = Callable[..., Object]


def answer(drawer: Drawer, request: Request) -> Answer | None:
    """The object as it is now, as JSON; None if nothing of the kind can happen."""
    for pattern, happening in _PATTERNS:
        if (match := pattern.fullmatch(request.path)) and request.method == "POST":
            return _answered(drawer, request, happening, match.groups())
    return None


def _answered(drawer: Drawer, request: Request, happening: Happening, names: tuple[str, ...]) -> Answer:
    try:
        with drawer.changing():
            changed = happening(drawer, _said(request), *names)
    except ApiError as refusal:
        return refused(refusal)
    return Answer.json(json.dumps(changed, indent=2))


def refused(refusal: ApiError) -> Answer:
    """What cannot happen, in the envelope of the API."""
    return Answer.json(json.dumps(refusal.envelope("req_sandbox"), indent=2), status=refusal.status)


def _said(request: Request) -> dict[str, Any]:
    """The form, or a flat object of JSON. What a form leaves empty is not said."""
    if (request.header("Content-Type") or "").startswith("application/json"):
        return _flat(request.form)
    return {name: value for name, value in forms.parse(request.form).items() if value != ""}


def _flat(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ApiError("The body is not an object of JSON.")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}


def _charge(drawer: Drawer, name: str) -> Object:
    """A charge, named by itself or by its PaymentIntent."""
    paid = field_is("status", "succeeded")
    charge = drawer.store.get(name, "charge")
    found = [charge] if charge else drawer.store.all("charge", field_is("payment_intent", name), paid)
    if not found:
        raise missing_object("charge", name, param="charge")
    return found[-1]


PAYMENT = params.shape("status", status=params.one_of("succeeded", "failed"))


def decide_payment(drawer: Drawer, raw: dict[str, Any], intent_id: str) -> Object:
    """A voucher is paid or runs out; a debit is paid or comes back."""
    return delayed.decide(drawer, intent_id, pays=PAYMENT(raw, "")["status"] == "succeeded")


def approve(drawer: Drawer, raw: dict[str, Any], review_id: str) -> Object:
    """A person looked at a risky payment and found nothing."""
    params.shape(closed_reason=params.one_of("approved"))(raw, "")
    return reviews.close(drawer, reviews.find(drawer, review_id), "approved")


DISPUTE = params.shape(
    "charge",
    charge=params.text,
    reason=params.one_of(*disputes.REASONS),
    amount=params.at_least(1),
    inquiry=params.flag,
)


def dispute(drawer: Drawer, raw: dict[str, Any]) -> Object:
    """A cardholder complains, or with ``inquiry=true`` a bank only asks."""
    wanted = DISPUTE(raw, "")
    charge = _charge(drawer, wanted["charge"])
    reason, amount = wanted.get("reason", "fraudulent"), wanted.get("amount")
    return disputes.start(drawer, charge, reason=reason, amount=amount, is_inquiry=wanted.get("inquiry", False))


DECISION = params.shape("status", status=params.one_of(*disputes.NEXT))


def decide(drawer: Drawer, raw: dict[str, Any], dispute_id: str) -> Object:
    """A bank decides: ``status=won``, ``lost``, ``warning_closed``, ``needs_response`` (an inquiry escalates)…"""
    return disputes.move(drawer, disputes.find(drawer, dispute_id), DECISION(raw, "")["status"])


REFUND_END = params.shape(
    "status", status=params.one_of(*refunds.NEXT), failure_reason=params.one_of(*refunds.FAILURES)
)


def end_refund(drawer: Drawer, raw: dict[str, Any], refund_id: str) -> Object:
    """A refund arrives, fails (``failure_reason``), or is given up."""
    wanted = REFUND_END(raw, "")
    reason = wanted.get("failure_reason", "merchant_request" if wanted["status"] == "canceled" else "unknown")
    return refunds.move(drawer, refunds.find(drawer, refund_id), wanted["status"], reason=reason)


WARNING = params.shape("charge", charge=params.text, fraud_type=params.one_of(*fraud.KINDS))


def warn(drawer: Drawer, raw: dict[str, Any]) -> Object:
    """An issuer suspects fraud."""
    wanted = WARNING(raw, "")
    return fraud.warn(drawer, _charge(drawer, wanted["charge"]), kind=wanted.get("fraud_type", "made_with_stolen_card"))


ACCOUNT = params.shape("status", status=params.one_of(*accounts.STATES, "deauthorized"))


def decide_account(drawer: Drawer, raw: dict[str, Any], account_id: str) -> Object:
    """What became of a creator's papers: ``enabled``, ``pending``, ``restricted``, ``rejected``, ``deauthorized``."""
    status, found = ACCOUNT(raw, "")["status"], accounts.find(drawer, account_id)
    return accounts.deauthorize(drawer, found) if status == "deauthorized" else accounts.put(drawer, found, status)


def fail_payout(drawer: Drawer, raw: dict[str, Any], payout_id: str) -> Object:
    """A bank sends a payout back."""
    params.shape("status", status=params.one_of("failed"))(raw, "")
    return payouts.fail(drawer, payouts.find(drawer, payout_id, drawer.store.account_of(payout_id)))


def schedule_payouts(drawer: Drawer, raw: dict[str, Any]) -> Object:
    """Payouts go out ``daily`` by themselves, or only when the API asks: ``manual``."""
    schedule = params.shape("schedule", schedule=params.one_of("daily", "manual"))(raw, "")["schedule"]
    drawer.store.keep("payouts", schedule)
    return {"schedule": schedule}


def _rate(raw: Any, name: str) -> str:
    if not isinstance(raw, str) or not re.fullmatch(r"(?!0+(\.0*)?$)[0-9]{1,9}(\.[0-9]{1,9})?", raw):
        raise ApiError("A rate is a decimal number above zero, such as 0.2666.", param=name)
    return raw


RATE = params.shape("currency into", currency=money.check_currency, into=money.check_currency, rate=_rate)


def fix_rate(drawer: Drawer, raw: dict[str, Any]) -> Object:
    """A currency settles in another at a fixed rate; into itself is how it began."""
    wanted = RATE(raw, "")
    rates.fix(drawer, wanted["currency"], wanted["into"], wanted.get("rate", "1"))
    return {"rates": rates.fixed(drawer)}


def resend(drawer: Drawer, raw: dict[str, Any], delivery_id: str) -> Object:
    """A delivery goes out once more."""
    params.shape()(raw, "")
    if not delivery_id.isdecimal() or not deliveries.resend(drawer, int(delivery_id)):
        raise missing_object("delivery", delivery_id)
    return {"delivery": int(delivery_id), "state": "pending"}


def resend_event(drawer: Drawer, raw: dict[str, Any], event_id: str) -> Object:
    """An event goes out once more to everybody who listens, as from Stripe's dashboard."""
    params.shape()(raw, "")
    event = drawer.store.get(event_id, "event")
    if event is None:
        raise missing_object("event", event_id)
    for endpoint in webhook_endpoints.listening_to(drawer, event["type"], is_connect="account" in event):
        deliveries.plan(drawer, event_id, endpoint["id"])
    return event


HAPPENINGS: dict[str, Happening] = {
    "deliveries/{id}": resend,
    "events/{id}": resend_event,
    "payments/{id}": decide_payment,
    "reviews/{id}": approve,
    "disputes": dispute,
    "disputes/{id}": decide,
    "refunds/{id}": end_refund,
    "early_fraud_warnings": warn,
    "accounts/{id}": decide_account,
    "payouts": schedule_payouts,
    "payouts/{id}": fail_payout,
    "rates": fix_rate,
}
_PATTERNS = [
    (re.compile(f"/_sandbox/{path}".replace("{id}", r"([A-Za-z0-9_]+)")), happening)
    for path, happening in HAPPENINGS.items()
]
