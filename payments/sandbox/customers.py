"""Customers, as far as a shop that keeps its own people needs them."""

from __future__ import annotations

from typing import Any

from . import events, ids, listing, params
from .drawer import NOBODY, Call, Cause, Drawer
from .errors import missing_object
from .params import anything, list_of, one_of, shape, text, text_up_to
from .store import Object, field_is

_WRITABLE: dict[str, params.Check] = {
    "address": anything,
    "description": text,
    "email": text_up_to(512),
    "invoice_settings": anything,
    "name": text_up_to(256),
    "phone": text_up_to(20),
    "preferred_locales": list_of(text),
    "shipping": anything,
    "tax_exempt": one_of("exempt", "none", "reverse"),
}
CREATE = shape(**_WRITABLE, metadata=params.metadata)
UPDATE = shape(**_WRITABLE, metadata=params.metadata_change)
LIST = shape(**listing.PARAMS, email=text)


def create(call: Call) -> Object:
    """POST /v1/customers"""
    return make(call.drawer, CREATE(call.params, ""), call.cause)


def make(drawer: Drawer, wanted: dict[str, Any], cause: Cause = NOBODY) -> Object:
    """A new customer, of whom everybody is told."""
    customer: Object = {
        "id": ids.new("cus_", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": drawer.clock.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_credit_balance": {},
        "invoice_prefix": ids.new("", 8).upper(),
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
        **wanted,
        "invoice_settings": dict.fromkeys(["custom_fields", "default_payment_method", "footer", "rendering_options"]),
    }
    drawer.store.add(customer)
    events.record(drawer, "customer.created", customer, cause)
    return customer


def update(call: Call, customer_id: str) -> Object:
    """POST /v1/customers/{id}"""
    wanted = UPDATE(call.params, "")
    customer = find(call.drawer, customer_id)
    metadata = params.merged(customer["metadata"], wanted.pop("metadata", None))
    wanted.pop("invoice_settings", None)
    after = {**customer, **wanted, "metadata": metadata}
    return events.change(call.drawer, customer, after, "customer.updated", cause=call.cause)


def delete(call: Call, customer_id: str) -> Object:
    """DELETE /v1/customers/{id}"""
    shape()(call.params, "")
    customer = find(call.drawer, customer_id)
    call.drawer.store.remove(customer_id)
    events.record(call.drawer, "customer.deleted", customer, call.cause)
    return {"id": customer_id, "object": "customer", "deleted": True}


def retrieve(call: Call, customer_id: str) -> Object:
    """GET /v1/customers/{id}"""
    shape()(call.params, "")
    return find(call.drawer, customer_id)


def find(drawer: Drawer, customer_id: str, *, param: str | None = None) -> Object:
    """A customer, or 404; 400 where a parameter names one."""
    customer = drawer.store.get(customer_id, "customer")
    if customer is None:
        raise missing_object("customer", customer_id, status=400 if param else 404, param=param or "id")
    return customer


def index(call: Call) -> Object:
    """GET /v1/customers"""
    wanted = LIST(call.params, "")
    conditions = [field_is("email", wanted["email"])] if "email" in wanted else []
    return listing.page(call, "customer", "/v1/customers", wanted, conditions)
