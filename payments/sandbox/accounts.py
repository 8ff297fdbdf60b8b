"""Connected accounts: creators who are paid out. Express: the questions are asked on a page of Stripe's."""

from __future__ import annotations

from typing import Any

from . import account, events, ids, listing, params
from .drawer import ACCOUNT, NOBODY, Call, Cause, Drawer
from .errors import ApiError
from .params import anything, metadata, one_of, shape, text
from .store import Object

CURRENCIES = {"US": "usd", "GB": "gbp", "JP": "jpy", "BR": "brl", "MX": "mxn", "CA": "cad", "AU": "aud", "SA": "sar"}
QUESTIONS = ["external_account", "individual.verification.document", "tos_acceptance.date"]
STATES = ("enabled", "pending", "restricted", "rejected")

_WRITABLE: dict[str, params.Check] = {
    "business_profile": anything,
    "business_type": one_of("company", "government_entity", "individual", "non_profit"),
    "capabilities": anything,
    "company": anything,
    "default_currency": text,
    "email": text,
    "individual": anything,
    "metadata": params.metadata_change,
    "settings": anything,
    "tos_acceptance": anything,
}
CREATE = shape(
    **{**_WRITABLE, "metadata": metadata},
    controller=shape(
        fees=shape(payer=one_of("account", "application")),
        losses=shape(payments=one_of("application", "stripe")),
        requirement_collection=one_of("application", "stripe"),
        stripe_dashboard=shape(type=one_of("express", "full", "none")),
    ),
    country=text,
    type=one_of("custom", "express", "standard"),
)
UPDATE = shape(**_WRITABLE)


def create(call: Call) -> Object:
    """POST /v1/accounts: an account that has not answered anything yet."""
    wanted = CREATE(call.params, "")
    if "type" in wanted and "controller" in wanted:
        raise ApiError("You may not provide the `type` parameter and `controller` at the same time.", param="type")
    made = _new(ids.new("acct_1", 16), wanted, call.drawer.clock.now())
    call.drawer.store.add(made)
    _tell(call.drawer, "account.updated", made, call.cause)
    return made


def _new(account_id: str, wanted: dict[str, Any], now: int) -> Object:
    country = wanted.get("country", "US").upper()
    kind = wanted.get("type") or ("none" if "controller" in wanted else "standard")
    return {
        **account.body(account_id, now),
        "business_profile": {**account.PROFILE, **_strings(wanted.get("business_profile"))},
        "business_type": wanted.get("business_type"),
        "capabilities": dict.fromkeys(wanted.get("capabilities") or ["transfers"], "inactive"),
        "charges_enabled": False,
        "controller": _controller(wanted),
        "country": country,
        "default_currency": wanted.get("default_currency") or CURRENCIES.get(country, "eur"),
        "details_submitted": False,
        "email": wanted.get("email"),
        "metadata": wanted.get("metadata", {}),
        "payouts_enabled": False,
        "requirements": _open_questions("requirements.past_due"),
        "type": kind,
    }


def _strings(raw: Any) -> Object:
    return {name: value for name, value in raw.items() if name in account.PROFILE} if isinstance(raw, dict) else {}


def _controller(wanted: dict[str, Any]) -> Object:
    asked = wanted.get("controller", {})
    return {
        "fees": {"payer": "application", **asked.get("fees", {})},
        "is_controller": True,
        "losses": {"payments": "application", **asked.get("losses", {})},
        "requirement_collection": asked.get("requirement_collection", "stripe"),
        "stripe_dashboard": {"type": wanted.get("type", "express"), **asked.get("stripe_dashboard", {})},
        "type": "application",
    }


def _open_questions(why: str) -> Object:
    return {**account.NOTHING_DUE, "currently_due": QUESTIONS, "past_due": QUESTIONS, "disabled_reason": why}


def _tell(drawer: Drawer, kind: str, after: Object, cause: Cause, before: Object | None = None) -> None:
    if before is None:
        events.record(drawer, kind, after, cause, account=after["id"])
    else:
        events.change(drawer, before, after, kind, cause=cause, account=after["id"])


def put(drawer: Drawer, before: Object, state: str, cause: Cause = NOBODY) -> Object:
    """Bring an account to one of ``STATES``: what its owner answered, and what Stripe made of it."""
    works = state == "enabled"
    capability = {"enabled": "active", "pending": "pending"}.get(state, "inactive")
    requirements = {
        "enabled": dict(account.NOTHING_DUE),
        "pending": {
            **account.NOTHING_DUE,
            "pending_verification": ["individual.verification.document"],
            "disabled_reason": "requirements.pending_verification",
        },
        "restricted": _open_questions("requirements.past_due"),
        "rejected": {**account.NOTHING_DUE, "disabled_reason": "rejected.other"},
    }[state]
    after = {
        **before,
        "capabilities": dict.fromkeys(before["capabilities"], capability),
        "charges_enabled": works,
        "details_submitted": before["details_submitted"] or state in ("enabled", "pending"),
        "payouts_enabled": works,
        "requirements": requirements,
    }
    _tell(drawer, "account.updated", after, cause, before)
    return after


def deauthorize(drawer: Drawer, gone: Object) -> Object:
    """The creator takes the shop's access away: nothing can be read or sent any more."""
    application: Object = {"id": "ca_CoinshopSandbox", "object": "application", "name": "coinshop sandbox"}
    events.record(drawer, "account.application.deauthorized", application, account=gone["id"])
    drawer.store.remove(gone["id"])
    return application


def update(call: Call, account_id: str) -> Object:
    """POST /v1/accounts/{id}"""
    wanted = UPDATE(call.params, "")
    before = find(call.drawer, account_id)
    asked = dict.fromkeys(wanted.get("capabilities", {}), "active" if before["charges_enabled"] else "inactive")
    after = {
        **before,
        "business_profile": {**before["business_profile"], **_strings(wanted.get("business_profile"))},
        "capabilities": {**asked, **before["capabilities"]},
        "metadata": params.merged(before["metadata"], wanted.get("metadata")),
        **{name: wanted[name] for name in ("business_type", "default_currency", "email") if name in wanted},
    }
    _tell(call.drawer, "account.updated", after, call.cause, before)
    return after


def retrieve(call: Call, account_id: str) -> Object:
    """GET /v1/accounts/{id}, the shop's own among them"""
    params.shape()(call.params, "")
    return account.own(call.drawer) if account_id == ACCOUNT else find(call.drawer, account_id)


def current(call: Call) -> Object:
    """GET /v1/account: the shop's own, or the one of the ``Stripe-Account`` header."""
    params.shape()(call.params, "")
    return find(call.drawer, call.account) if call.account else account.own(call.drawer)


def delete(call: Call, account_id: str) -> Object:
    """DELETE /v1/accounts/{id}"""
    params.shape()(call.params, "")
    find(call.drawer, account_id)
    call.drawer.store.remove(account_id)
    return {"id": account_id, "object": "account", "deleted": True}


def find(drawer: Drawer, account_id: str) -> Object:
    """A connected account; whoever has none of that name may not even know that."""
    found = drawer.store.get(account_id, "account")
    if found is None:
        message = (
            f"The provided key does not have access to account '{account_id}' (or that account does not exist)."
            " Application access may have been revoked."
        )
        raise ApiError(message, status=403, code="account_invalid")
    return found


def index(call: Call) -> Object:
    """GET /v1/accounts"""
    wanted = params.shape(**listing.PARAMS)(call.params, "")
    return listing.page(call, "account", "/v1/accounts", wanted, [])
