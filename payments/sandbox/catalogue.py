"""Products and prices, for shops that keep them at Stripe. Prices never change; a new one takes over."""

from __future__ import annotations

from typing import Any

from . import ids, listing, money, params
from .drawer import Call, Drawer
from .errors import ApiError, missing_object
from .params import anything, at_least, flag, list_of, one_of, shape, text, text_up_to
from .store import Object, field_is

_PRODUCT: dict[str, params.Check] = {
    "active": flag,
    "description": text_up_to(40000),
    "images": list_of(text, most=8),
    "marketing_features": anything,
    "name": text,
    "shippable": flag,
    "statement_descriptor": text_up_to(22),
    "tax_code": text,
    "unit_label": text,
    "url": params.web_address,
}
CREATE_PRODUCT = shape("name", **_PRODUCT, id=text, metadata=params.metadata)
UPDATE_PRODUCT = shape(**_PRODUCT, metadata=params.metadata_change, default_price=text)
LIST_PRODUCTS = shape(**listing.PARAMS, active=flag)

PRODUCT_DATA = shape("name", name=text, metadata=params.metadata, tax_code=text, active=flag, unit_label=text)
_PRICE: dict[str, params.Check] = {"active": flag, "lookup_key": text, "nickname": text}
CREATE_PRICE = shape(
    "currency unit_amount",
    **_PRICE,
    currency=money.check_currency,
    unit_amount=at_least(0),
    product=text,
    product_data=PRODUCT_DATA,
    metadata=params.metadata,
    tax_behavior=one_of("exclusive", "inclusive", "unspecified"),
    billing_scheme=one_of("per_unit"),
)
UPDATE_PRICE = shape(**_PRICE, metadata=params.metadata_change)
LIST_PRICES = shape(**listing.PARAMS, active=flag, currency=text, product=text, lookup_keys=list_of(text, most=10))


def create_product(call: Call) -> Object:
    """POST /v1/products"""
    return _make_product(call.drawer, CREATE_PRODUCT(call.params, ""))


def _make_product(drawer: Drawer, wanted: dict[str, Any]) -> Object:
    now = drawer.clock.now()
    if drawer.store.get(wanted.get("id", ""), "product"):
        raise ApiError(f"Product already exists: '{wanted['id']}'.", code="resource_already_exists", param="id")
    return drawer.store.add(
        {
            "id": ids.new("prod_", 14),
            "object": "product",
            "active": True,
            "created": now,
            "default_price": None,
            "description": None,
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": {},
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": now,
            "url": None,
            **wanted,
        }
    )


def update_product(call: Call, product_id: str) -> Object:
    """POST /v1/products/{id}"""
    wanted = UPDATE_PRODUCT(call.params, "")
    product = _find(call.drawer, "product", product_id)
    metadata = params.merged(product["metadata"], wanted.pop("metadata", None))
    return call.drawer.store.save({**product, **wanted, "metadata": metadata, "updated": call.drawer.clock.now()})


def create_price(call: Call) -> Object:
    """POST /v1/prices"""
    wanted = CREATE_PRICE(call.params, "")
    if ("product" in wanted) == ("product_data" in wanted):
        raise ApiError(
            "You must specify either `product` or `product_data`.", code="parameter_missing", param="product"
        )
    money.check_granularity(wanted["unit_amount"], wanted["currency"], "unit_amount")
    if "product" in wanted:
        _find(call.drawer, "product", wanted["product"], param="product")
    else:
        wanted["product"] = _make_product(call.drawer, wanted.pop("product_data"))["id"]
    return call.drawer.store.add(price(wanted, call.drawer.clock.now(), is_active=True))


def price(wanted: dict[str, Any], now: int, *, is_active: bool) -> Object:
    """The body of a price; the caller keeps it or not."""
    return {
        "id": ids.new("price_1"),
        "object": "price",
        "active": is_active,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": wanted["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": None,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        **wanted,
        "unit_amount_decimal": str(wanted["unit_amount"]),
    }


def update_price(call: Call, price_id: str) -> Object:
    """POST /v1/prices/{id}"""
    wanted = UPDATE_PRICE(call.params, "")
    found = _find(call.drawer, "price", price_id)
    metadata = params.merged(found["metadata"], wanted.pop("metadata", None))
    return call.drawer.store.save({**found, **wanted, "metadata": metadata})


def retrieve_product(call: Call, product_id: str) -> Object:
    """GET /v1/products/{id}"""
    shape()(call.params, "")
    return _find(call.drawer, "product", product_id)


def retrieve_price(call: Call, price_id: str) -> Object:
    """GET /v1/prices/{id}"""
    shape()(call.params, "")
    return _find(call.drawer, "price", price_id)


def _find(drawer: Drawer, kind: str, object_id: str, *, param: str | None = None) -> Object:
    found = drawer.store.get(object_id, kind)
    if found is None:
        raise missing_object(kind, object_id, status=400 if param else 404, param=param or "id")
    return found


def products_index(call: Call) -> Object:
    """GET /v1/products"""
    wanted = LIST_PRODUCTS(call.params, "")
    conditions = [field_is("active", int(wanted["active"]))] if "active" in wanted else []
    return listing.page(call, "product", "/v1/products", wanted, conditions)


def prices_index(call: Call) -> Object:
    """GET /v1/prices"""
    wanted = LIST_PRICES(call.params, "")
    conditions = [field_is(name, wanted[name]) for name in ("currency", "product") if name in wanted]
    if "active" in wanted:
        conditions.append(field_is("active", int(wanted["active"])))
    if keys := wanted.get("lookup_keys"):
        marks = ", ".join("?" * len(keys))
        conditions.append((f"json_extract(body, '$.lookup_key') IN ({marks})", keys))
    return listing.page(call, "price", "/v1/prices", wanted, conditions)


def priced(drawer: Drawer, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Line items with the price and the product that they name, in the shape of those that bring their own."""
    return [_priced(drawer, item, f"line_items[{place}]") for place, item in enumerate(items)]


def _priced(drawer: Drawer, item: dict[str, Any], name: str) -> dict[str, Any]:
    if "price" in item:
        found = _find(drawer, "price", item["price"], param=f"{name}[price]")
        if not found["active"]:
            raise ApiError("The price specified is inactive. This field only accepts active prices.", param=name)
        product = _find(drawer, "product", found["product"])
        data = {"currency": found["currency"], "unit_amount": found["unit_amount"], "product_data": product}
        return {**item, "price_data": data, "price_object": found}
    data = item["price_data"]
    if "product" not in data:
        return item
    product = _find(drawer, "product", data["product"], param=f"{name}[price_data][product]")
    return {**item, "price_data": {**data, "product_data": product}}
