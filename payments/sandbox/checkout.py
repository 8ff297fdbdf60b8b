"""Checkout Sessions: open, then complete or expired, and never back."""

from __future__ import annotations

from typing import Any

from . import catalogue, customers, events, ids, intents, listing, methods, params, presentment, session_params
from .drawer import NOBODY, Call, Cause, Drawer
from .errors import ApiError, missing_object
from .store import Object, field_is

BRANDING = {
    "background_color": "#ffffff",
    "border_style": "rounded",
    "button_color": "#0074d4",
    "display_name": "coinshop",
    "font_family": "default",
    "icon": None,
    "logo": None,
}
NO_INVOICE_DATA: Object = {
    "account_tax_ids": None,
    "custom_fields": None,
    "description": None,
    "footer": None,
    "issuer": None,
    "metadata": {},
    "rendering_options": None,
}
NO_TEXTS = {"after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None}

# Stripe leaves these out of a session that did not ask for them; everything else is there, if only as null.
ONLY_WHEN_SENT = ("allowed_payment_method_types", "excluded_payment_method_types", "tax_id_collection")

LIST = params.shape(
    **listing.PARAMS,
    status=params.one_of("open", "complete", "expired"),
    payment_intent=params.text,
    customer=params.text,
)


def create(call: Call) -> Object:
    """POST /v1/checkout/sessions"""
    drawer, now = call.drawer, call.drawer.clock.now()
    wanted = session_params.check(drawer, call.params)
    session = _new(ids.new("cs_test_a1", 58), wanted, now, drawer.public_url)
    items = [_new_item(item, now) for item in wanted["line_items"]]
    drawer.store.add(session, {"line_items": items, "payment_intent_data": wanted.get("payment_intent_data", {})})
    return session


def _new(session_id: str, wanted: dict[str, Any], now: int, public_url: str) -> Object:
    return {
        "id": session_id,
        "object": "checkout.session",
        **_as_asked(wanted),
        **_money(wanted),
        "client_secret": None,
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
        "consent": None,
        "created": now,
        "currency_conversion": None,
        "custom_fields": [],
        "customer_account": None,
        "customer_details": _first_details(wanted),
        "discounts": [],
        "expires_at": wanted.get("expires_at", now + 86400),
        "invoice": None,
        "livemode": False,
        "mode": "payment",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_types": methods.offered(wanted, **_asked(wanted)),
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "ui_mode": "hosted_page",
        "url": f"{public_url}/c/pay/{session_id}",
        "wallet_options": None,
    }


def _as_asked(wanted: dict[str, Any]) -> Object:
    """The fields that mostly repeat a parameter."""
    return {
        "adaptive_pricing": wanted.get("adaptive_pricing", {"enabled": True}),
        "after_expiration": _recovery(wanted),
        "allow_promotion_codes": wanted.get("allow_promotion_codes"),
        "automatic_tax": _automatic_tax(wanted),
        "billing_address_collection": wanted.get("billing_address_collection"),
        "branding_settings": {**BRANDING, **wanted.get("branding_settings", {})},
        "cancel_url": wanted.get("cancel_url"),
        "client_reference_id": wanted.get("client_reference_id"),
        "consent_collection": wanted.get("consent_collection"),
        "custom_text": {**NO_TEXTS, **wanted.get("custom_text", {})},
        "customer": wanted.get("customer"),
        "customer_creation": wanted.get("customer_creation", None if "customer" in wanted else "if_required"),
        "customer_email": wanted.get("customer_email"),
        "integration_identifier": wanted.get("integration_identifier"),
        "invoice_creation": {
            "enabled": wanted.get("invoice_creation", {}).get("enabled", False),
            "invoice_data": {**NO_INVOICE_DATA, **wanted.get("invoice_creation", {}).get("invoice_data", {})},
        },
        "locale": wanted.get("locale"),
        "metadata": wanted.get("metadata", {}),
        "origin_context": wanted.get("origin_context"),
        "payment_method_configuration_details": {
            "id": wanted.get("payment_method_configuration", "pmc_1CoinshopSandbox00"),
            "parent": None,
        },
        "payment_method_options": {
            "card": {"request_three_d_secure": "automatic"},
            **wanted.get("payment_method_options", {}),
        },
        "submit_type": wanted.get("submit_type"),
        "success_url": wanted["success_url"],
        **{name: wanted[name] for name in ONLY_WHEN_SENT if name in wanted},
    }


def _recovery(wanted: dict[str, Any]) -> Object | None:
    recovery = wanted.get("after_expiration", {}).get("recovery")
    if recovery is None:
        return None
    return {"recovery": {"allow_promotion_codes": False, **recovery, "expires_at": None, "url": None}}


def _automatic_tax(wanted: dict[str, Any]) -> Object:
    asked = {"enabled": False, "liability": None, **wanted.get("automatic_tax", {})}
    status = "requires_location_inputs" if asked["enabled"] else None
    return {**asked, "provider": "stripe" if asked["enabled"] else None, "status": status}


def _asked(wanted: dict[str, Any]) -> dict[str, Any]:
    money = _money(wanted)
    return {"amount": money["amount_total"], "currency": money["currency"]}


def _money(wanted: dict[str, Any]) -> Object:
    amount = session_params.total(wanted["line_items"])
    return {
        "amount_subtotal": amount,
        "amount_total": amount,
        "currency": wanted["line_items"][0]["price_data"]["currency"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }


def _first_details(wanted: dict[str, Any]) -> Object | None:
    if "customer" not in wanted and "customer_email" not in wanted:
        return None
    return {**details(wanted.get("customer_email") or wanted.get("customer_data", {}).get("email")), "tax_ids": None}


def details(email: str | None) -> Object:
    """Who paid, as far as the page asked."""
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _new_item(item: dict[str, Any], now: int) -> Object:
    price, amount = item["price_data"], item["price_data"]["unit_amount"] * item["quantity"]
    return {
        "id": ids.new("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price["product_data"]["name"],
        "metadata": item.get("metadata", {}),
        "price": item.get("price_object") or _inline_price(price, now),
        "quantity": item["quantity"],
    }


def _inline_price(price: dict[str, Any], now: int) -> Object:
    """A price that serves one session and is not for sale again, so nobody keeps it."""
    named: dict[str, Any] = {name: price[name] for name in ("currency", "unit_amount", "tax_behavior") if name in price}
    product = price["product_data"].get("id") or ids.new("prod_", 14)
    return catalogue.price({**named, "product": product}, now, is_active=False)


def retrieve(call: Call, session_id: str) -> Object:
    """GET /v1/checkout/sessions/{id}"""
    params.shape()(call.params, "")
    return find(call.drawer, session_id)


def find(drawer: Drawer, session_id: str) -> Object:
    """A session, or 404."""
    session = drawer.store.get(session_id, "checkout.session")
    if session is None:
        raise missing_object("checkout.session", session_id, param="session")
    return session


def index(call: Call) -> Object:
    """GET /v1/checkout/sessions"""
    wanted = LIST(call.params, "")
    conditions = [field_is(name, wanted[name]) for name in ("status", "payment_intent", "customer") if name in wanted]
    return listing.page(call, "checkout.session", "/v1/checkout/sessions", wanted, conditions)


def items_index(call: Call, session_id: str) -> Object:
    """GET /v1/checkout/sessions/{id}/line_items: all of them, because a shop of coins has few."""
    params.shape(**listing.PARAMS)(call.params, "")
    find(call.drawer, session_id)
    return line_items(call.drawer, session_id)


def line_items(drawer: Drawer, session_id: str) -> Object:
    """What is being bought, as a list."""
    data = drawer.store.hidden(session_id)["line_items"]
    return listing.as_list(data, f"/v1/checkout/sessions/{session_id}/line_items")


def update(call: Call, session_id: str) -> Object:
    """POST /v1/checkout/sessions/{id}: its metadata."""
    wanted = session_params.UPDATE(call.params, "")
    session = find(call.drawer, session_id)
    metadata = params.merged(session["metadata"], wanted.get("metadata"))
    return call.drawer.store.save({**session, "metadata": metadata})


def expire(call: Call, session_id: str) -> Object:
    """POST /v1/checkout/sessions/{id}/expire: only an open session can be closed."""
    params.shape()(call.params, "")
    session = find(call.drawer, session_id)
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired.'
            f" This Checkout Session has a status of `{session['status']}`."
        )
        raise ApiError(message, executed=True)
    return _close(call.drawer, session, call.cause)


def expire_due(drawer: Drawer) -> None:
    """Close every session whose time is over."""
    now = drawer.clock.now()
    for session in drawer.store.due("checkout.session", status="open", moment="expires_at", now=now):
        _close(drawer, session, NOBODY)


def _close(drawer: Drawer, session: Object, cause: Cause) -> Object:
    closed = drawer.store.save({**session, "status": "expired", "url": None})
    if intent_id := drawer.store.hidden(session["id"]).get("payment_intent"):
        intents.cancel(drawer, intent_id, reason="expired", cause=cause)
    events.record(drawer, "checkout.session.expired", closed, cause)
    return closed


def complete(drawer: Drawer, session: Object, intent_id: str, email: str, *, is_paid: bool) -> Object:
    """The buyer is done: the session names the payment and has no page any more. Some payments take days yet."""
    done = {
        **session,
        "status": "complete",
        "payment_status": "paid" if is_paid else "unpaid",
        "payment_intent": intent_id,
        "customer": session["customer"] or _new_customer(drawer, session, email),
        "customer_details": details(email),
        "url": None,
    }
    if session["automatic_tax"]["enabled"]:
        done["automatic_tax"] = {**session["automatic_tax"], "status": "complete"}
    if seen := presentment.of(session, email):
        done["presentment_details"] = seen
    drawer.store.save(done)
    events.record(drawer, "checkout.session.completed", done)
    return done


def _new_customer(drawer: Drawer, session: Object, email: str) -> str | None:
    if session["customer_creation"] != "always":
        return None
    return str(customers.make(drawer, {"email": email})["id"])


def tell_late(drawer: Drawer, session: Object, *, is_paid: bool) -> None:
    """Days later it is known whether a session's money came. A session that was not paid stays unpaid."""
    after = drawer.store.save({**session, "payment_status": "paid"}) if is_paid else session
    kind = "succeeded" if is_paid else "failed"
    events.record(drawer, f"checkout.session.async_payment_{kind}", after)
