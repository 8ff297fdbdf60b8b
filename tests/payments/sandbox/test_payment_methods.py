"""Other ways to pay than a card that simply pays."""

from __future__ import annotations

import pytest
import stripe

ASKS, ASKS_TOO, ASKS_AND_DECLINES = "4000 0027 6000 3184", "4000 0025 0000 3155", "4000 0084 0000 1629"
RISKY, BLOCKED = "4000 0000 0000 9235", "4100 0000 0000 0019"
BEGINNING = ["payment_intent.created", "payment_intent.requires_action"]
VOUCHERS = {"boleto": "brl", "oxxo": "mxn", "konbini": "jpy", "multibanco": "eur"}
DEBITS = {"sepa_debit": "eur", "us_bank_account": "usd", "bacs_debit": "gbp", "acss_debit": "cad"}


def _offered(sandbox, order, currency, **extra):
    params = {**order(currency=currency, unit_amount=5000), **extra}
    return sandbox.v1.checkout.sessions.create(params=params).payment_method_types


def _open(sandbox, order, currency, amount=5000):
    return sandbox.v1.checkout.sessions.create(params=order(currency=currency, unit_amount=amount))


def test_a_session_offers_what_speaks_its_currency(sandbox, order):
    assert _offered(sandbox, order, "sar") == ["card"]
    assert _offered(sandbox, order, "brl") == ["card", "pix", "boleto"]
    assert {"card", "ideal", "bancontact", "sepa_debit", "multibanco"} <= set(_offered(sandbox, order, "eur"))
    assert "oxxo" not in _offered(sandbox, order, "eur")


def test_a_session_offers_what_its_buyer_has_at_home(sandbox, order):
    dutch = _offered(sandbox, order, "eur", customer_email="a+location_NL@example.com")

    assert dutch == ["card", "alipay", "ideal", "sepa_debit"]


def test_a_session_offers_no_voucher_over_more_than_a_counter_takes(sandbox, order):
    assert "oxxo" in _open(sandbox, order, "mxn", amount=1_000_000).payment_method_types
    assert "oxxo" not in _open(sandbox, order, "mxn", amount=1_000_001).payment_method_types


def test_a_shop_may_allow_some_methods_and_exclude_others(sandbox, order):
    assert _offered(sandbox, order, "eur", allowed_payment_method_types=["ideal", "card", "oxxo"]) == ["card", "ideal"]
    assert _offered(sandbox, order, "brl", excluded_payment_method_types=["card", "boleto"]) == ["pix"]


def test_the_page_offers_a_choice_only_where_there_is_one(sandbox, order, visit):
    one, many = (visit(_open(sandbox, order, currency).url).text for currency in ("sar", "brl"))

    assert 'name="method"' not in one
    assert '<input type="radio" name="method" value="card" checked>' in many
    assert '<input type="radio" name="method" value="boleto">' in many


def test_a_method_the_session_does_not_offer_is_not_tried(sandbox, order):
    session = _open(sandbox, order, "sar")

    assert sandbox.choose(session, "ideal").status == 422
    assert sandbox.intent_behind(session) is None


@pytest.mark.parametrize("number", [ASKS, ASKS_TOO])
def test_a_bank_asks_its_cardholder_and_a_yes_pays(sandbox, visit, number):
    session = sandbox.open_session()

    asked = sandbox.pay(session, number)

    assert (asked.status, asked.headers["Location"]) == (303, f"/c/pay/{session.id}/confirm")
    assert "Your bank asks" in visit(f"{sandbox.url}/c/pay/{session.id}/confirm").text
    intent = sandbox.intent_behind(session)
    assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")
    assert sandbox.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert sandbox.confirm(session, "complete").headers["Location"].startswith("http://shop.example:8000/done")
    assert sandbox.events_about(session) == [
        *BEGINNING,
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    (charge,) = sandbox.v1.charges.list(params={"payment_intent": intent.id}).data
    assert charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_a_no_to_the_bank_leaves_the_session_open_and_makes_no_charge(sandbox, alert_of):
    session = sandbox.open_session()
    sandbox.pay(session, ASKS)

    page = sandbox.confirm(session, "fail")

    assert page.status == 402
    assert "authentication_failed" in alert_of(page)
    intent = sandbox.intent_behind(session)
    assert (intent.status, intent.next_action) == ("requires_payment_method", None)
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert sandbox.v1.charges.list(params={"payment_intent": intent.id}).data == []
    assert sandbox.events_about(session) == [*BEGINNING, "payment_intent.payment_failed"]
    assert sandbox.pay(session).status == 303


def test_a_bank_may_ask_and_decline_after_all(sandbox, alert_of):
    session = sandbox.open_session()
    sandbox.pay(session, ASKS_AND_DECLINES)

    page = sandbox.confirm(session, "complete")

    assert page.status == 402
    assert sandbox.intent_behind(session).last_payment_error.decline_code == "generic_decline"


def test_nobody_confirms_what_was_not_asked_or_has_expired(sandbox):
    session, expired = sandbox.open_session(), sandbox.open_session()
    sandbox.pay(expired, ASKS)
    sandbox.v1.checkout.sessions.expire(expired.id)

    assert sandbox.confirm(session, "complete").headers["Location"] == f"/c/pay/{session.id}"
    assert sandbox.confirm(expired, "complete").status == 410
    assert sandbox.v1.checkout.sessions.retrieve(session.id).status == "open"


@pytest.mark.parametrize(("method", "currency"), [("ideal", "eur"), ("pix", "brl"), ("alipay", "usd"), ("upi", "inr")])
def test_a_method_with_a_page_of_its_own_pays_after_a_yes(sandbox, order, method, currency):
    session = _open(sandbox, order, currency)
    sandbox.choose(session, method)

    assert sandbox.confirm(session, "complete").status == 303

    assert sandbox.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    charge = sandbox.v1.charges.list(params={"payment_intent": sandbox.intent_behind(session).id}).data[0]
    assert charge.id.startswith("py_")
    assert charge.payment_method_details.type == method
    assert sandbox.v1.balance_transactions.retrieve(charge.balance_transaction).type == "payment"
    refund = sandbox.v1.refunds.create(params={"charge": charge.id, "expand": ["balance_transaction"]})
    assert (refund.status, refund.balance_transaction.type) == ("succeeded", "payment_refund")
    assert refund.destination_details.to_dict() == {"type": method}


def test_a_wallet_may_say_no(sandbox, order, alert_of):
    session = _open(sandbox, order, "eur")
    sandbox.choose(session, "ideal")

    page = sandbox.confirm(session, "fail")

    assert "customer_declined" in alert_of(page)
    intent = sandbox.intent_behind(session)
    assert intent.last_payment_error.code == "payment_method_customer_decline"
    assert sandbox.v1.charges.retrieve(intent.latest_charge).failure_code == "payment_method_customer_decline"


@pytest.mark.parametrize(("method", "currency"), VOUCHERS.items())
def test_a_voucher_completes_the_session_and_is_paid_later(sandbox, order, visit, method, currency):
    session = _open(sandbox, order, currency)

    page = sandbox.choose(session, method)

    assert page.headers["Location"].startswith("http://shop.example:8000/done")
    seen = sandbox.v1.checkout.sessions.retrieve(session.id, params={"expand": ["payment_intent"]})
    assert (seen.status, seen.payment_status) == ("complete", "unpaid")
    assert seen.payment_intent.status == "requires_action"
    action = seen.payment_intent.next_action
    assert action.type == f"{method}_display_details"
    assert "Voucher over" in visit(action[action.type].hosted_voucher_url).text
    assert sandbox.happen(f"payments/{seen.payment_intent.id}", status="succeeded")["status"] == "succeeded"
    assert sandbox.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert sandbox.events_about(session) == [
        *BEGINNING,
        "checkout.session.completed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]


def test_a_voucher_that_runs_out_leaves_the_session_unpaid(sandbox, order):
    session = _open(sandbox, order, "mxn")
    sandbox.choose(session, "oxxo")
    intent = sandbox.intent_behind(session)

    failed = sandbox.happen(f"payments/{intent.id}", status="failed")

    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_payment_attempt_expired"
    seen = sandbox.v1.checkout.sessions.retrieve(session.id)
    assert (seen.status, seen.payment_status) == ("complete", "unpaid")
    assert sandbox.events_about(session)[-1] == "checkout.session.async_payment_failed"
    again = sandbox.happen(f"payments/{intent.id}", status="succeeded")
    assert "is not waiting for money" in again["error"]["message"]


@pytest.mark.parametrize(("method", "currency"), DEBITS.items())
def test_a_debit_is_on_its_way_until_its_bank_has_paid(sandbox, order, method, currency):
    session = _open(sandbox, order, currency)
    sandbox.choose(session, method)
    intent = sandbox.intent_behind(session)
    assert intent.status == "processing"
    assert sandbox.v1.charges.retrieve(intent.latest_charge).status == "pending"

    sandbox.happen(f"payments/{intent.id}", status="succeeded")

    charge = sandbox.v1.charges.retrieve(intent.latest_charge)
    assert (charge.status, charge.paid) == ("succeeded", True)
    assert sandbox.v1.balance_transactions.retrieve(charge.balance_transaction).amount == 5000
    assert sandbox.events_about(session) == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "checkout.session.completed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]
    dispute = sandbox.happen("disputes", charge=charge.id, reason="debit_not_authorized")
    assert (dispute["status"], "payment_method_details" in dispute) == ("needs_response", False)


def test_a_debit_may_come_back(sandbox, order):
    session = _open(sandbox, order, "eur")
    sandbox.choose(session, "sepa_debit")
    intent = sandbox.intent_behind(session)

    sandbox.happen(f"payments/{intent.id}", status="failed")

    charge = sandbox.v1.charges.retrieve(intent.latest_charge)
    assert (charge.status, charge.paid, charge.balance_transaction) == ("failed", False, None)
    assert charge.failure_code == "payment_intent_payment_attempt_failed"
    assert sandbox.events_about(session)[-3:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]


@pytest.mark.parametrize(
    ("email", "seconds", "status"),
    [
        ("alice@example.com", 181, "succeeded"),
        ("succeed_immediately@example.com", 1, "succeeded"),
        ("expire_immediately@example.com", 1, "requires_payment_method"),
        ("expire_with_delay@example.com", 181, "requires_payment_method"),
        ("fill_never@example.com", 86400, "requires_action"),
        ("fill_never@example.com", 3 * 86400 + 1, "requires_payment_method"),
    ],
)
def test_the_email_says_what_time_will_bring(start_sandbox, order, email, seconds, status):
    sandbox = start_sandbox("--steady")
    session = _open(sandbox, order, "mxn")
    sandbox.choose(session, "oxxo", email)

    sandbox.advance(seconds)

    assert sandbox.intent_behind(session).status == status


@pytest.mark.parametrize(("method", "currency"), [("boleto", "brl"), ("oxxo", "mxn")])
def test_what_was_paid_at_a_counter_cannot_be_refunded_or_disputed(sandbox, order, method, currency):
    session = _open(sandbox, order, currency)
    sandbox.choose(session, method)
    intent = sandbox.intent_behind(session)
    sandbox.happen(f"payments/{intent.id}", status="succeeded")

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.v1.refunds.create(params={"payment_intent": intent.id})

    assert refusal.value.code == "charge_not_refundable"
    assert "cannot be disputed" in sandbox.happen("disputes", charge=intent.id)["error"]["message"]


def test_a_method_that_cannot_send_money_back_asks_the_buyer_where_to(sandbox, order):
    session = _open(sandbox, order, "jpy")
    sandbox.choose(session, "konbini")
    intent = sandbox.intent_behind(session)
    sandbox.happen(f"payments/{intent.id}", status="succeeded")

    refund = sandbox.v1.refunds.create(params={"payment_intent": intent.id, "amount": 2000})

    assert (refund.status, refund.instructions_email) == ("requires_action", "alice@example.com")
    assert refund.next_action.display_details.email_sent.email_sent_to == "alice@example.com"
    assert sandbox.v1.refunds.cancel(refund.id).status == "canceled"
    assert sandbox.v1.charges.list(params={"payment_intent": intent.id}).data[0].amount_refunded == 0


def test_a_risky_payment_is_paid_and_waits_for_a_person(sandbox, paid_charge):
    charge = paid_charge(RISKY)

    assert (charge.outcome.risk_level, charge.outcome.type) == ("elevated", "manual_review")
    review = sandbox.v1.reviews.retrieve(charge.review)
    assert (review.open, review.reason) == (True, "rule")
    approved = sandbox.v1.reviews.approve(review.id)
    assert (approved.open, approved.closed_reason) == (False, "approved")
    closed = sandbox.v1.events.list(params={"type": "review.closed", "limit": 1}).data[0]
    assert closed.data.previous_attributes.open is True


def test_a_refund_closes_a_review(sandbox, paid_charge):
    charge = paid_charge(RISKY)

    sandbox.v1.refunds.create(params={"charge": charge.id})

    assert sandbox.v1.reviews.retrieve(charge.review).closed_reason == "refunded"


def test_a_payment_that_is_too_risky_is_blocked(sandbox, alert_of):
    session = sandbox.open_session()

    page = sandbox.pay(session, BLOCKED)

    assert "fraudulent" in alert_of(page)
    charge = sandbox.v1.charges.retrieve(sandbox.intent_behind(session).latest_charge)
    assert (charge.outcome.type, charge.outcome.risk_level) == ("blocked", "highest")


def test_a_buyer_abroad_sees_their_own_currency_and_the_shop_sees_its_own(sandbox):
    charge = sandbox.paid_charge(customer_email="a+location_JP@example.com")
    session = sandbox.open_session()
    sandbox.pay(session, email="a+location_JP@example.com")

    seen = sandbox.v1.checkout.sessions.retrieve(session.id)

    assert (seen.amount_total, seen.currency) == (1675, "eur")
    assert seen.presentment_details.to_dict() == {"presentment_amount": 2731, "presentment_currency": "jpy"}
    assert "presentment_details" not in charge


def test_a_part_of_what_a_buyer_abroad_saw_goes_back(sandbox):
    session = sandbox.open_session()
    sandbox.pay(session, email="a+location_KW@example.com")
    intent = sandbox.intent_behind(session)

    refund = sandbox.v1.refunds.create(params={"payment_intent": intent.id, "amount": 500})

    assert (refund.amount, refund.currency) == (500, "eur")
    assert refund.presentment_details.presentment_currency == "kwd"
    whole = intent.presentment_details.presentment_amount
    assert abs(refund.presentment_details.presentment_amount - whole * 500 / 1675) <= 1
