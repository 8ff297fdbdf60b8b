"""What may be said when a Checkout Session is made: the slice of Stripe's parameters that a coin shop uses."""

from __future__ import annotations

from typing import Any

from . import catalogue, customers, methods, money, params
from .drawer import Drawer
from .errors import ApiError, unknown_param
from .params import anything, at_least, flag, list_of, metadata, one_of, shape, text, text_up_to, web_address, whole

# Stripe's hosted page speaks these, and no Arabic: `auto` is what an Arabic shop sends.
LOCALES = str.split(
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR "
    "ro ru sk sl sv th tr vi zh zh-HK zh-TW"
)


def _removed(raw: Any, name: str) -> Any:
    raise ApiError(
        "The parameter `payment_method_types` is no longer supported on Checkout Sessions. Leave it out to use dynamic"
        " payment methods, or narrow them with `allowed_payment_method_types` or `excluded_payment_method_types`.",
        code="payment_method_types_no_longer_supported",
        param=name,
    )


PRODUCT_DATA = shape(
    "name", name=text, description=text_up_to(40000), images=list_of(text, most=8), tax_code=text, metadata=metadata
)
PRICE_DATA = shape(
    "currency unit_amount",
    currency=money.check_currency,
    unit_amount=at_least(1),
    product=text,
    product_data=PRODUCT_DATA,
    tax_behavior=one_of("exclusive", "inclusive", "unspecified"),
)
_LINE_ITEM = shape("quantity", quantity=at_least(1), price=text, price_data=PRICE_DATA, metadata=metadata)


def _line_item(raw: Any, name: str) -> Any:
    item = _LINE_ITEM(raw, name)
    if "price_data" in item and "price" in item:
        raise ApiError("You may only specify one of these parameters: price, price_data.", param=f"{name}[price]")
    if "price_data" not in item and "price" not in item:
        message = "You must specify either `price` or `price_data` when creating a Checkout Session."
        raise ApiError(message, code="parameter_missing", param=f"{name}[price]")
    if "price" in item:
        return item
    price = item["price_data"]
    if ("product" in price) == ("product_data" in price):
        message = "You must specify either `product` or `product_data` when creating a price."
        raise ApiError(message, code="parameter_missing", param=f"{name}[price_data][product]")
    money.check_granularity(price["unit_amount"], price["currency"], f"{name}[price_data][unit_amount]")
    return item


PAYMENT_INTENT_DATA = shape(
    metadata=metadata,
    description=text_up_to(1000),
    transfer_group=text,
    statement_descriptor_suffix=text_up_to(22),
    receipt_email=text,
    setup_future_usage=one_of("off_session", "on_session"),
    on_behalf_of=text,
    transfer_data=shape("destination", destination=text, amount=at_least(1)),
    application_fee_amount=at_least(0),
)


def _payment_only(raw: Any, name: str) -> str:
    if raw != "payment":
        raise ApiError(f"The sandbox imitates mode=payment only, not {raw}.", param=name)
    return "payment"


CREATE = shape(
    "mode success_url line_items",
    mode=_payment_only,
    line_items=list_of(_line_item),
    success_url=web_address,
    cancel_url=web_address,
    client_reference_id=text_up_to(200),
    metadata=metadata,
    customer=text,
    customer_email=text_up_to(800),
    customer_creation=one_of("always", "if_required"),
    payment_intent_data=PAYMENT_INTENT_DATA,
    expires_at=whole,
    locale=one_of(*LOCALES),
    allowed_payment_method_types=list_of(one_of(*methods.KNOWN)),
    excluded_payment_method_types=list_of(one_of(*methods.KNOWN)),
    payment_method_types=_removed,
    payment_method_configuration=text,
    payment_method_options=anything,
    adaptive_pricing=shape(enabled=flag),
    automatic_tax=shape("enabled", enabled=flag, liability=anything),
    tax_id_collection=shape("enabled", enabled=flag, required=one_of("if_supported", "never")),
    billing_address_collection=one_of("auto", "required"),
    allow_promotion_codes=flag,
    after_expiration=shape(recovery=shape("enabled", enabled=flag, allow_promotion_codes=flag)),
    invoice_creation=shape("enabled", enabled=flag, invoice_data=anything),
    submit_type=one_of("auto", "book", "donate", "pay", "subscribe"),
    ui_mode=one_of("hosted_page"),
    currency=money.check_currency,
    consent_collection=anything,
    custom_text=anything,
    branding_settings=anything,
    origin_context=one_of("mobile_app", "web"),
    integration_identifier=text,
)


UPDATE = shape(metadata=params.metadata_change, collected_information=anything, shipping_options=anything)


def check(drawer: Drawer, raw: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a new session, checked one by one and against each other."""
    wanted: dict[str, Any] = CREATE(raw, "")
    _check_together(wanted)
    _check_expiry(wanted, drawer.clock.now())
    if "customer" in wanted:
        wanted["customer_data"] = customers.find(drawer, wanted["customer"], param="customer")
    wanted["line_items"] = catalogue.priced(drawer, wanted["line_items"])
    _check_amounts(wanted)
    return wanted


def _check_together(wanted: dict[str, Any]) -> None:
    if "customer" in wanted and "customer_email" in wanted:
        raise ApiError(
            "You may only specify one of these parameters: customer, customer_email.", param="customer_email"
        )
    if "customer" in wanted and "customer_creation" in wanted:
        raise unknown_param("customer_creation")


def _check_expiry(wanted: dict[str, Any], now: int) -> None:
    lifetime = wanted.get("expires_at", now + 86400) - now
    if lifetime < 1800:
        raise _expiry_refused("at least 30 minutes")
    if lifetime > 86400:
        raise _expiry_refused("less than 24 hours")


def _expiry_refused(rule: str) -> ApiError:
    message = f"The `expires_at` timestamp must be {rule} from Checkout Session creation."
    return ApiError(message, param="expires_at")


def _check_amounts(wanted: dict[str, Any]) -> None:
    prices = [item["price_data"] for item in wanted["line_items"]]
    if not prices:
        raise ApiError("Missing required param: line_items.", code="parameter_missing", param="line_items")
    currencies = {price["currency"] for price in prices} | ({wanted["currency"]} if "currency" in wanted else set())
    if len(currencies) > 1:
        raise ApiError("All line items, and the session, must use one currency.", param="line_items")
    amount, currency = total(wanted["line_items"]), currencies.pop()
    money.check_charge(amount, currency)
    if not methods.offered(wanted, amount=amount, currency=currency):
        raise ApiError("No valid payment method types for this Checkout Session. Allow some that fit its currency.")


def total(items: list[dict[str, Any]]) -> int:
    """What the line items add up to, in minor units."""
    return sum(item["price_data"]["unit_amount"] * item["quantity"] for item in items)
