"""Every object against its class in the installed client: no field it does not know, none of its own missing."""

from __future__ import annotations

import pytest
from stripe._object_classes import get_object_class

# Stripe sends these and its client does not declare them: recorded answers have them.
UNDECLARED = {
    "charge": {"application_fee", "destination", "dispute", "order"},
    "item": {"discounts", "taxes"},
}
# Stripe leaves these out of an answer until there is something to say, or until they are expanded.
MAY_BE_ABSENT = {
    "account": "company deleted future_requirements groups individual",
    "balance": "connect_reserved instant_available issuing refund_and_dispute_prefunding",
    "customer": "business_name cash_balance deleted individual_name sources subscriptions tax tax_ids",
    "product": "deleted tax_details",
    "charge": "authorization_code level3 presentment_details refunds transfer",
    "checkout.session": """
        allowed_payment_method_types discounts excluded_payment_method_types line_items managed_payments name_collection
        optional_items presentment_details redirect_on_completion return_url tax_id_collection""",
    "dispute": "intended_submission_method",
    "event": "account context",
    "item": "discounts taxes display product tax_calculation_reference",
    "payment_intent": """
        allowed_payment_method_types hooks managed_payments payment_details payment_record presentment_details""",
    "price": "currency_options tiers deleted",
    "refund": """
        description failure_balance_transaction failure_reason instructions_email next_action pending_reason
        presentment_details""",
}


def _complaints(body, cls=None, path=""):
    """What an answer says that its class does not, and the other way round."""
    if isinstance(body, list):
        return [said for member in body for said in _complaints(member, cls, path)]
    if not isinstance(body, dict):
        return []
    kind = body.get("object") if isinstance(body.get("object"), str) else ""
    if kind == "list":
        return _complaints(body["data"], None, path)
    own = get_object_class("V1", kind) if kind else cls
    declared = set(getattr(own, "__annotations__", body)) - {"OBJECT_NAME"}
    here, inner = path or kind, getattr(own, "_inner_class_types", {})
    said = [f"{here}.{name} is not declared" for name in set(body) - declared - UNDECLARED.get(kind, set())]
    if kind and kind not in ("payment_method", "payment_method_configuration"):  # these have a field for each method
        absent = set(MAY_BE_ABSENT.get(kind, "").split())
        said += [f"{here}.{name} is missing" for name in declared - set(body) - absent]
    for name, value in body.items():
        said += _complaints(value, inner.get(name), f"{here}.{name}")
    return said


def _a_creator(sandbox):
    """An account that was paid, and whose payment was taken back."""
    v1 = sandbox.v1
    made = v1.accounts.create(params={"type": "express"})
    sandbox.happen(f"accounts/{made.id}", status="enabled")
    urls = {"refresh_url": "http://shop.example/a", "return_url": "http://shop.example/b"}
    sandbox.paid_charge("4000 0000 0000 0077")
    transfer = v1.transfers.create(params={"amount": 500, "currency": "eur", "destination": made.id})
    options = {"stripe_account": made.id}
    return {
        "connected account": v1.accounts.retrieve(made.id),
        "account_link": v1.account_links.create(params={"account": made.id, "type": "account_onboarding", **urls}),
        "login_link": v1.accounts.login_links.create(made.id),
        "transfer_reversal": v1.transfers.reversals.create(transfer.id, params={"amount": 100}),
        "transfer": v1.transfers.retrieve(transfer.id),
        "received charge": v1.charges.retrieve(transfer.destination_payment, options=options),
        "balance": v1.balance.retrieve(options=options),
        "payout": v1.payouts.create(params={"amount": 100, "currency": "eur"}),
    }


def _the_rest(sandbox):
    v1 = sandbox.v1
    price = v1.prices.create(params={"currency": "eur", "unit_amount": 500, "product_data": {"name": "Coins"}})
    reviewed = sandbox.paid_charge("4000 0000 0000 9235", customer_email="a+location_JP@example.com")
    voucher = sandbox.open_session()
    sandbox.choose(voucher, "multibanco")
    wallet = sandbox.open_session()
    sandbox.choose(wallet, "ideal")
    sandbox.confirm(wallet, "complete")
    other_refund = v1.refunds.create(params={"payment_intent": sandbox.intent_behind(wallet).id})
    declined = sandbox.open_session()
    sandbox.pay(declined, "4000 0000 0000 0002")
    return {
        "customer": v1.customers.create(params={"email": "alice@example.com"}),
        "price": price,
        "product": v1.products.retrieve(price.product),
        "payment_method": v1.payment_methods.retrieve(reviewed.payment_method),
        "payment_method_configuration": v1.payment_method_configurations.list().data[0],
        "review": v1.reviews.retrieve(reviewed.review),
        "voucher intent": sandbox.intent_behind(voucher),
        "refund of a wallet": other_refund,
        "charge of a wallet": v1.charges.retrieve(other_refund.charge),
        "declined intent": sandbox.intent_behind(declined),
    }


@pytest.fixture(scope="module")
def everything(own_sandbox):
    """One of each, by the name of its kind."""
    sandbox = own_sandbox
    session = sandbox.open_session()
    sandbox.pay(session)
    creators = _a_creator(sandbox)
    charge = sandbox.paid_charge("4000 0000 0000 0259")
    refunded = sandbox.paid_charge("4000 0000 0000 5423")
    v1 = sandbox.v1
    refund = v1.refunds.create(params={"charge": refunded.id, "amount": 100})
    return {
        "checkout.session": v1.checkout.sessions.retrieve(session.id, params={"expand": ["line_items"]}),
        "payment_intent": v1.payment_intents.retrieve(charge.payment_intent),
        "charge": v1.charges.retrieve(charge.id),
        "balance_transaction": v1.balance_transactions.retrieve(charge.balance_transaction),
        "refund": refund,
        "failed refund": sandbox.happen(f"refunds/{refund.id}", status="failed"),
        "dispute": v1.disputes.list(params={"charge": charge.id}).data[0],
        "radar.early_fraud_warning": v1.radar.early_fraud_warnings.list(params={"charge": refunded.id}).data[0],
        "account": v1.accounts.retrieve_current(),
        **creators,
        **_the_rest(sandbox),
        "event": v1.events.list(params={"limit": 1}).data[0],
    }


KINDS = str.split(
    "checkout.session payment_intent charge balance_transaction refund dispute radar.early_fraud_warning account event "
    "account_link login_link transfer_reversal transfer balance payout customer price product payment_method "
    "payment_method_configuration review"
)
VARIANTS = [
    "refund of a wallet",
    "charge of a wallet",
    "failed refund",
    "connected account",
    "received charge",
    "voucher intent",
    "declined intent",
]


@pytest.mark.parametrize("kind", [*KINDS, *VARIANTS])
def test_an_object_has_the_fields_that_the_client_knows(everything, kind):
    found = everything[kind]

    assert _complaints(found if isinstance(found, dict) else found.to_dict()) == []
