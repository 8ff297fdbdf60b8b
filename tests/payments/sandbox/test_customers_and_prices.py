"""What a shop may keep at Stripe besides payments, and what it may still do to a payment."""

from __future__ import annotations

import pytest
import stripe


def _refused(call, *args, **kwargs):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        call(*args, **kwargs)
    return refusal.value


def test_a_customer_is_made_changed_found_and_forgotten(sandbox):
    customers = sandbox.v1.customers
    made = customers.create(params={"email": "carol@example.com", "metadata": {"user": "7"}})

    changed = customers.update(made.id, params={"name": "Carol", "metadata": {"user": "8"}})

    assert (changed.name, changed.metadata["user"]) == ("Carol", "8")
    assert [one.id for one in customers.list(params={"email": "carol@example.com"}).data] == [made.id]
    assert customers.delete(made.id).deleted is True
    assert _refused(customers.retrieve, made.id).code == "resource_missing"


def test_a_session_knows_its_customer(sandbox, visit):
    made = sandbox.v1.customers.create(params={"email": "dora@example.com"})
    session = sandbox.open_session(customer=made.id)

    assert session.customer_details.email == "dora@example.com"
    assert 'value="dora@example.com"' in visit(session.url).text
    sandbox.pay(session)
    (intent,) = sandbox.v1.payment_intents.list(params={"customer": made.id}).data
    assert sandbox.v1.charges.list(params={"customer": made.id}).data[0].payment_intent == intent.id


def test_a_session_makes_a_customer_if_it_was_told_to(sandbox):
    session = sandbox.open_session(customer_creation="always")
    sandbox.pay(session)

    paid = sandbox.v1.checkout.sessions.retrieve(session.id, params={"expand": ["customer"]})

    assert paid.customer.email == "alice@example.com"


def test_a_session_can_sell_what_is_in_the_catalogue(sandbox):
    product = sandbox.v1.products.create(params={"name": "1,430 coins"})
    price = sandbox.v1.prices.create(params={"product": product.id, "currency": "eur", "unit_amount": 1675})

    session = sandbox.open_session(line_items=[{"price": price.id, "quantity": 2}], expand=["line_items"])

    assert (session.amount_total, session.currency) == (3350, "eur")
    (item,) = session.line_items.data
    assert (item.price.id, item.price.product, item.description) == (price.id, product.id, "1,430 coins")


def test_a_price_that_is_not_for_sale_any_more_is_refused(sandbox):
    price = sandbox.v1.prices.create(params={"currency": "eur", "unit_amount": 500, "product_data": {"name": "Coins"}})
    sandbox.v1.prices.update(price.id, params={"active": False})

    refusal = _refused(sandbox.open_session, line_items=[{"price": price.id, "quantity": 1}])

    assert "inactive" in refusal.user_message


def test_prices_and_products_are_listed_by_what_they_are(start_sandbox):
    sandbox = start_sandbox()
    prices = [
        sandbox.v1.prices.create(
            params={
                "currency": currency,
                "unit_amount": 500,
                "product_data": {"name": currency},
                "lookup_key": currency,
            }
        )
        for currency in ("eur", "usd")
    ]

    def found(**params):
        return [price.id for price in sandbox.v1.prices.list(params=params).data]

    assert found(currency="usd") == found(lookup_keys=["usd", "gbp"]) == [prices[1].id]
    assert found(active=True) == [prices[1].id, prices[0].id]
    assert [product.name for product in sandbox.v1.products.list(params={"active": True}).data] == ["usd", "eur"]


def test_the_methods_that_are_switched_on_can_be_read(sandbox):
    (configuration,) = sandbox.v1.payment_method_configurations.list().data

    assert (configuration.is_default, configuration.ideal.available) == (True, True)


def test_a_payment_can_be_annotated(sandbox):
    charge = sandbox.paid_charge()

    intent = sandbox.v1.payment_intents.update(charge.payment_intent, params={"metadata": {"seen": "yes"}})

    assert intent.metadata["seen"] == "yes"
    assert sandbox.v1.charges.update(charge.id, params={"metadata": {"seen": "too"}}).metadata["seen"] == "too"
    assert _refused(sandbox.v1.payment_intents.update, intent.id, params={"amount": 1}).code == "parameter_unknown"


def test_a_sessions_metadata_can_be_changed(sandbox):
    session = sandbox.open_session()

    assert sandbox.v1.checkout.sessions.update(session.id, params={"metadata": {"a": "b"}}).metadata["a"] == "b"


def test_a_payment_is_canceled_only_where_nobody_can_pay_it_any_more(sandbox, order):
    still_open, paid = sandbox.open_session(), sandbox.paid_charge()
    sandbox.pay(still_open, "4000 0000 0000 0002")
    voucher = sandbox.v1.checkout.sessions.create(params=order(currency="mxn", unit_amount=5000))
    sandbox.choose(voucher, "oxxo")
    cancel = sandbox.v1.payment_intents.cancel

    assert "Expire the session" in _refused(cancel, sandbox.intent_behind(still_open).id).user_message
    assert _refused(cancel, paid.payment_intent).code == "payment_intent_unexpected_state"
    canceled = cancel(sandbox.intent_behind(voucher).id, params={"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    refused = sandbox.happen(f"payments/{canceled.id}", status="succeeded")
    assert "is not waiting for money" in refused["error"]["message"]
