"""The page where the buyer pays, as a browser without scripts sees it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

DECLINES = {
    "4000 0000 0000 0002": ("card_declined", "generic_decline"),
    "4000 0000 0000 9995": ("card_declined", "insufficient_funds"),
    "4000 0000 0000 0069": ("expired_card", "expired_card"),
    "4000 0000 0000 0127": ("incorrect_cvc", "incorrect_cvc"),
    "4000 0000 0000 0119": ("processing_error", "processing_error"),
}


def test_the_page_says_what_it_is_and_what_is_due(sandbox, order, visit):
    session = sandbox.open_session()

    page = visit(session.url)

    assert page.status == 200
    assert "Sandbox. This is not a real payment page and no money moves." in page.text
    assert "€16.75" in page.text
    assert "1,430 coins" in page.text
    assert 'href="http://shop.example:8000/back"' in page.text
    for name in ("email", "card_number", "exp", "cvc"):
        assert f'name="{name}"' in page.text
        assert f'<label for="{name}">' in page.text
    assert all(number in page.text for number in ["4242 4242 4242 4242", *DECLINES])
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_the_page_lets_the_browser_go_only_where_paying_leads(sandbox, visit):
    session = sandbox.open_session(cancel_url="https://other.example/back")

    policy = visit(session.url).headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self';")
    assert policy.endswith("form-action 'self' http://shop.example:8000 https://other.example")


def test_its_style_and_its_mark_come_from_the_sandbox(sandbox, visit):
    style, mark = visit(f"{sandbox.url}/_sandbox/page.css"), visit(f"{sandbox.url}/_sandbox/mark.svg")

    assert (style.status, style.headers.get_content_type()) == (200, "text/css")
    assert (mark.status, mark.headers.get_content_type()) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("jpy", 1500, "¥1,500"),
        ("kwd", 1230, "KWD\u00a01.230"),
        ("ugx", 500_000, "UGX\u00a05,000"),
        ("sar", 319, "SAR\u00a03.19"),
        ("usd", 123456789 // 10, "$123,456.78"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(sandbox, order, visit, currency, amount, shown):
    session = sandbox.v1.checkout.sessions.create(params=order(currency=currency, unit_amount=amount))

    assert f"<bdi>{shown}</bdi>" in visit(session.url).text


def test_an_arabic_browser_reads_from_the_right_unless_the_session_says_otherwise(sandbox, visit):
    arabic = {"Accept-Language": "ar-SA,ar;q=0.9,en;q=0.8"}

    assert '<html lang="ar" dir="rtl">' in visit(sandbox.open_session(locale="auto").url, headers=arabic).text
    assert '<html lang="ar" dir="rtl">' in visit(sandbox.open_session().url, headers=arabic).text
    assert '<html lang="en" dir="ltr">' in visit(sandbox.open_session(locale="en").url, headers=arabic).text


def test_an_address_the_shop_knows_is_filled_in_and_escaped(sandbox, visit):
    session = sandbox.open_session(customer_email='"><b>@example.com')

    page = visit(session.url)

    assert 'value="&quot;&gt;&lt;b&gt;@example.com"' in page.text


def test_paying_leads_back_to_the_shop_and_completes_the_session(sandbox):
    session = sandbox.open_session()

    page = sandbox.pay(session)

    assert page.status == 303
    assert page.headers["Location"] == f"http://shop.example:8000/done?session={session.id}"
    paid = sandbox.v1.checkout.sessions.retrieve(session.id)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details.email == "alice@example.com"
    assert paid.payment_intent.startswith("pi_")


@pytest.mark.parametrize(("number", "codes"), DECLINES.items(), ids=[code for _, code in DECLINES.values()])
def test_a_declined_card_stays_on_the_page_and_can_be_followed_by_a_good_one(sandbox, alert_of, number, codes):
    session = sandbox.open_session()

    page = sandbox.pay(session, number)

    assert page.status == 402
    assert "Nothing was charged." in alert_of(page)
    assert codes[1] in alert_of(page)
    assert 'value="alice@example.com"' in page.text
    seen = sandbox.v1.checkout.sessions.retrieve(session.id)
    assert (seen.status, seen.payment_status, seen.payment_intent) == ("open", "unpaid", None)
    error = sandbox.intent_behind(session).last_payment_error
    assert (error.code, error.decline_code) == codes
    assert sandbox.pay(session).status == 303
    assert sandbox.events_about(session) == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"card_number": "4111 1111 1111 1111"}, "Test numbers only. Choose one"),
        ({"card_number": "4242 4242 4242 4241"}, "Test numbers only. Choose one"),
        ({"card_number": "abc"}, "Test numbers only. Choose one"),
        ({"email": "alice"}, "Write an e-mail address"),
        ({"exp": "13 / 34"}, "Write a month and a year"),
        ({"exp": "12 / 20"}, "Write a month and a year"),
        ({"cvc": "12"}, "Write 3 or 4 digits."),
    ],
)
def test_a_field_that_cannot_be_right_is_named_and_nothing_is_tried(sandbox, typed, complaint):
    session = sandbox.open_session()

    page = sandbox.pay(session, **typed)

    assert page.status == 422
    assert f'<span class="error">{complaint}' in page.text
    assert page.text.count('aria-invalid="true"') == 1
    assert (
        typed.get("card_number", "4242 4242") not in page.text.split("<dl")[1].split("</form>")[0].split("<section")[0]
    )
    assert sandbox.intent_behind(session) is None


def test_pressing_the_button_twice_pays_once(sandbox):
    session = sandbox.open_session()
    start = threading.Barrier(4)

    def press(_):
        start.wait()
        return sandbox.pay(session).status

    with ThreadPoolExecutor(4) as hands:
        statuses = list(hands.map(press, range(4)))

    assert statuses == [303] * 4
    intent = sandbox.v1.checkout.sessions.retrieve(session.id).payment_intent
    assert len(sandbox.v1.charges.list(params={"payment_intent": intent}).data) == 1
    assert sandbox.events_about(session).count("checkout.session.completed") == 1


def test_a_paid_page_an_expired_page_and_no_page_say_so(sandbox, visit):
    paid, expired = sandbox.open_session(), sandbox.open_session()
    sandbox.pay(paid)
    sandbox.v1.checkout.sessions.expire(expired.id)

    pages = [visit(f"{sandbox.url}/c/pay/{name}") for name in (paid.id, expired.id, "cs_test_nobody")]

    assert [page.status for page in pages] == [200, 410, 404]
    for page, words in zip(pages, ["This has been paid", "has expired", "no such page"], strict=True):
        assert words in page.text
        assert "<form" not in page.text


def test_a_charge_tells_what_was_paid_with_what_and_what_is_left(sandbox, visit):
    session = sandbox.open_session()
    sandbox.pay(session)

    expand = ["payment_intent.latest_charge.balance_transaction", "line_items"]
    paid = sandbox.v1.checkout.sessions.retrieve(session.id, params={"expand": expand})

    intent, charge = paid.payment_intent, paid.payment_intent.latest_charge
    assert (intent.status, intent.amount_received) == ("succeeded", 1675)
    assert intent.metadata["order"] == charge.metadata["order"] == session.metadata["order"]
    assert (charge.paid, charge.captured, charge.refunded, charge.disputed) == (True, True, False, False)
    assert (charge.payment_method_details.card.brand, charge.payment_method_details.card.last4) == ("visa", "4242")
    assert charge.payment_method_details.card.country == "US"
    assert charge.billing_details.email == "alice@example.com"
    assert charge.outcome.risk_level == "normal"
    assert "€16.75" in visit(charge.receipt_url).text
    balance = charge.balance_transaction
    assert (balance.amount, balance.fee, balance.net) == (1675, 79, 1596)
    assert sandbox.v1.balance_transactions.retrieve(balance.id).source == charge.id
    assert len(paid.line_items.data) == 1
