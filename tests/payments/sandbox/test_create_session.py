"""Making a Checkout Session: what it looks like, and what is refused."""

from __future__ import annotations

import time
import urllib.request

import pytest
import stripe

# Written down from Stripe's published description and a recorded answer of 2026-03-25.dahlia.
SESSION_FIELDS = """
    id object adaptive_pricing after_expiration allow_promotion_codes amount_subtotal amount_total automatic_tax
    billing_address_collection branding_settings cancel_url client_reference_id client_secret collected_information
    consent consent_collection created currency currency_conversion custom_fields custom_text customer customer_account
    customer_creation customer_details customer_email discounts expires_at integration_identifier invoice
    invoice_creation livemode locale metadata mode origin_context payment_intent payment_link
    payment_method_collection payment_method_configuration_details payment_method_options payment_method_types
    payment_status permissions phone_number_collection recovered_from saved_payment_method_options setup_intent
    shipping_address_collection shipping_cost shipping_options status submit_type subscription success_url
    total_details ui_mode url wallet_options
"""
ITEM_FIELDS = """
    id object adjustable_quantity amount_discount amount_subtotal amount_tax amount_total currency description
    metadata price quantity
"""


def test_a_new_session_is_open_unpaid_and_has_a_page(sandbox, order):
    session = sandbox.open_session(client_reference_id="order-7", metadata={"order": "7"}, locale="de")

    assert session.id.startswith("cs_test_")
    assert session.url == f"{sandbox.url}/c/pay/{session.id}"
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.currency, session.amount_subtotal, session.amount_total) == ("eur", 1675, 1675)
    assert (session.client_reference_id, session.metadata["order"], session.locale) == ("order-7", "7", "de")
    assert session.livemode is False
    assert session.expires_at - session.created == 86400
    assert session.payment_method_types[0] == "card"


def test_a_new_session_has_every_field_that_stripe_sends(sandbox):
    session = sandbox.open_session()

    assert set(session.to_dict()) == set(SESSION_FIELDS.split())
    assert "line_items" not in session


def test_a_session_adds_up_its_line_items(sandbox, order):
    params = order()
    params["line_items"] += order(unit_amount=250, quantity=3)["line_items"]

    session = sandbox.v1.checkout.sessions.create(params={**params, "expand": ["line_items"]})

    assert session.amount_total == 1675 + 3 * 250
    first, second = session.line_items.data
    assert set(first.to_dict()) == set(ITEM_FIELDS.split())
    assert (second.quantity, second.amount_total, second.price.unit_amount) == (3, 750, 250)
    assert first.description == "1,430 coins"


def test_every_parameter_the_shop_may_send_is_understood(sandbox, order):
    everything = {
        **order(),
        "customer_email": "alice@example.com",
        "customer_creation": "always",
        "client_reference_id": "r" * 200,
        "payment_intent_data": {
            "metadata": {"order": "1"},
            "description": "1,430 coins",
            "transfer_group": "order-1",
            "statement_descriptor_suffix": "COINS",
            "receipt_email": "alice@example.com",
            "setup_future_usage": "on_session",
            "on_behalf_of": "acct_1",
            "transfer_data": {"destination": "acct_1"},
            "application_fee_amount": 10,
        },
        "expires_at": int(time.time()) + 3600,
        "locale": "auto",
        "allowed_payment_method_types": ["card", "sepa_debit"],
        "excluded_payment_method_types": ["boleto"],
        "payment_method_configuration": "pmc_1",
        "payment_method_options": {"card": {"request_three_d_secure": "any"}},
        "adaptive_pricing": {"enabled": False},
        "automatic_tax": {"enabled": True},
        "tax_id_collection": {"enabled": True},
        "billing_address_collection": "auto",
        "allow_promotion_codes": False,
        "after_expiration": {"recovery": {"enabled": True}},
        "invoice_creation": {"enabled": True},
        "submit_type": "pay",
        "ui_mode": "hosted_page",
        "currency": "eur",
        "consent_collection": {"terms_of_service": "none"},
        "custom_text": {"submit": {"message": "No money moves."}},
        "branding_settings": {"display_name": "Corner"},
        "origin_context": "web",
        "integration_identifier": "coinshop",
    }

    session = sandbox.v1.checkout.sessions.create(params=everything)

    assert session.customer_email == session.customer_details.email == "alice@example.com"
    assert session.adaptive_pricing.enabled is False
    assert session.after_expiration.recovery.enabled is True
    assert session.branding_settings.display_name == "Corner"
    assert session.excluded_payment_method_types == ["boleto"]
    assert session.expires_at == everything["expires_at"]


def _without(name):
    return lambda params: params.pop(name)


def _with(**changes):
    return lambda params: params.update(changes)


def _price(**changes):
    return lambda params: params["line_items"][0]["price_data"].update(changes)


def _item(**changes):
    return lambda params: params["line_items"][0].update(changes)


REFUSED = {
    "payment_method_types": (
        _with(payment_method_types=["card"]),
        "payment_method_types_no_longer_supported",
        "payment_method_types",
    ),
    "an unknown parameter": (_with(colour="red"), "parameter_unknown", "colour"),
    "an unknown nested parameter": (_price(colour="red"), "parameter_unknown", "line_items[0][price_data][colour]"),
    "no mode": (_without("mode"), "parameter_missing", "mode"),
    "no success_url": (_without("success_url"), "parameter_missing", "success_url"),
    "no line items": (_without("line_items"), "parameter_missing", "line_items"),
    "no quantity": (lambda p: p["line_items"][0].pop("quantity"), "parameter_missing", "line_items[0][quantity]"),
    "no price": (lambda p: p["line_items"][0].pop("price_data"), "parameter_missing", "line_items[0][price]"),
    "a price nobody made": (
        _with(line_items=[{"quantity": 1, "price": "price_nobody"}]),
        "resource_missing",
        "line_items[0][price]",
    ),
    "two prices": (_item(price="price_nobody"), None, "line_items[0][price]"),
    "a product nobody made": (
        lambda p: (_price(product="prod_nobody")(p), p["line_items"][0]["price_data"].pop("product_data")),
        "resource_missing",
        "line_items[0][price_data][product]",
    ),
    "a customer nobody made": (_with(customer="cus_nobody"), "resource_missing", "customer"),
    "a subscription": (_with(mode="subscription"), None, "mode"),
    "half a cent": (_price(unit_amount="0.5"), "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
    "nothing": (_price(unit_amount=0), "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
    "less than nothing": (
        _price(unit_amount=-5),
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    "no items of it": (_item(quantity=0), "parameter_invalid_integer", "line_items[0][quantity]"),
    "a currency in capitals": (_price(currency="EUR"), None, "line_items[0][price_data][currency]"),
    "an unknown currency": (_price(currency="xyz"), None, "line_items[0][price_data][currency]"),
    "49 cents": (_price(currency="usd", unit_amount=49), "amount_too_small", "line_items"),
    "29 pence": (_price(currency="gbp", unit_amount=29), "amount_too_small", "line_items"),
    "49 yen": (_price(currency="jpy", unit_amount=49), "amount_too_small", "line_items"),
    "nine digits": (_price(unit_amount=100_000_000), "amount_too_large", "line_items"),
    "a third decimal": (
        _price(currency="kwd", unit_amount=1001),
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    "a fraction of a shilling": (
        _price(currency="ugx", unit_amount=500_050),
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    "two currencies": (_with(currency="usd"), None, "line_items"),
    "29 minutes": (_with(expires_at=int(time.time()) + 29 * 60), None, "expires_at"),
    "25 hours": (_with(expires_at=int(time.time()) + 25 * 3600), None, "expires_at"),
    "a path to return to": (_with(success_url="/done"), "url_invalid", "success_url"),
    "a script to return to": (_with(cancel_url="javascript:alert(1)"), "url_invalid", "cancel_url"),
    "a host with a policy in it": (_with(success_url="https://a;script-src *"), "url_invalid", "success_url"),
    "51 metadata keys": (_with(metadata={str(n): "x" for n in range(51)}), None, "metadata"),
    "a long metadata key": (_with(metadata={"k" * 41: "x"}), None, f"metadata[{'k' * 41}]"),
    "a long metadata value": (_with(metadata={"k": "x" * 501}), None, "metadata[k]"),
    "a long reference": (_with(client_reference_id="r" * 201), None, "client_reference_id"),
    "an empty reference": (_with(client_reference_id=""), "parameter_invalid_empty", "client_reference_id"),
    "a way that does not exist": (
        _with(excluded_payment_method_types=["shells"]),
        None,
        "excluded_payment_method_types[0]",
    ),
    "no way to pay": (_with(allowed_payment_method_types=["oxxo"]), None, None),
    "Arabic, which Stripe's page does not speak": (_with(locale="ar"), None, "locale"),
    "a customer and an e-mail": (_with(customer="cus_1", customer_email="a@example.com"), None, "customer_email"),
    "an expansion of nothing": (_with(expand=["colour"]), None, "expand"),
}


@pytest.mark.parametrize(("spoil", "code", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_a_session_is_refused_for(sandbox, order, spoil, code, param):
    params = order()
    spoil(params)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.v1.checkout.sessions.create(params=params)

    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (400, code, param)
    assert refusal.value.user_message


@pytest.mark.parametrize(
    ("currency", "amount"), [("jpy", 50), ("kwd", 1010), ("ugx", 500_000), ("isk", 90_000), ("idr", 99_999_999_900)]
)
def test_amounts_are_minor_units_of_their_own_currency(sandbox, order, currency, amount):
    session = sandbox.v1.checkout.sessions.create(params=order(currency=currency, unit_amount=amount))

    assert (session.amount_total, session.currency) == (amount, currency)


def test_metadata_that_looks_like_a_list_stays_metadata(sandbox):
    session = sandbox.open_session(metadata={"0": "first", "1": "second"})

    assert session.metadata.to_dict() == {"0": "first", "1": "second"}


@pytest.mark.parametrize("header", [None, "Bearer sk_live_real", "Bearer pk_test_x", "Basic sk_test_x"])
def test_only_a_test_key_is_let_in(sandbox, visit, header):
    page = visit(f"{sandbox.url}/v1/account", headers={"Authorization": header} if header else {})

    assert page.status == 401
    assert "real" not in page.text


def test_a_restricted_test_key_is_let_in(sandbox):
    assert sandbox.client("rk_test_x").v1.accounts.retrieve_current().charges_enabled is True


def test_what_the_sandbox_does_not_imitate_is_not_found(sandbox):
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refusal:
        sandbox.v1.subscriptions.list()

    assert refusal.value.http_status == 404


def test_an_answer_carries_the_headers_a_client_reads(sandbox):
    headers = {"Authorization": "Bearer sk_test_x", "Stripe-Version": "2025-01-01.acacia"}
    request = urllib.request.Request(f"{sandbox.url}/v1/account", headers=headers)

    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Stripe-Version"] == "2025-01-01.acacia"
        assert answer.headers["Request-Id"].startswith("req_")
    assert sandbox.v1.accounts.retrieve_current().last_response.headers["Stripe-Version"] == "2026-10-28.endive"
