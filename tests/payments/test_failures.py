"""An order that is not paid yet says what happened, as far as the provider tells, and what to do next."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments import declines, gateway, settlement
from payments.models import Order, TimelineEntry


@pytest.fixture
def paying(client, sandbox, alice, order, opened):
    """Alice's order with its payment page open, and Alice signed in."""
    client.force_login(alice)
    return opened(order)


@pytest.fixture
def failed(sandbox, paying):
    """The same order after a way to pay that takes days, and whose money did not come: `failed("sepa_debit")`."""

    def choose(method):
        assert sandbox.choose(paying.checkout_url, method) == 303
        settlement.ask(paying)
        assert sandbox.happen(f"payments/{gateway.fetch(paying.session_id).intent_id}", status="failed") == 200
        return settlement.ask(paying)

    return choose


def page_of(client, order, query=""):
    return client.get(f"/orders/{order.pk}/{query}").content.decode()


# Failed after days ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "code", "words"),
    [
        ("multibanco", "payment_intent_payment_attempt_expired", "The time to pay was over"),
        ("sepa_debit", "payment_intent_payment_attempt_failed", "Your bank sent the payment back"),
    ],
)
def test_a_payment_that_failed_after_days_says_why_though_the_event_about_it_was_lost(
    client, failed, method, code, words
):
    order = failed(method)
    page = page_of(client, order)

    assert order.timeline.get(what="failed").detail == {"code": code}
    assert not order.timeline.filter(what="declined").exists()
    assert page.count(words) == 2  # what to do, and the step that stopped
    assert "or the bank sent the payment back" not in page
    assert "Try again" in page


def test_what_failed_before_is_not_told_of_another_try(client, failed):
    order = failed("sepa_debit")
    client.post(f"/orders/{order.pk}/checkout/")

    assert "sent the payment back" not in page_of(client, order)


def test_a_failure_without_a_reason_is_told_as_before(client, failed):
    order = failed("sepa_debit")
    TimelineEntry.objects.filter(what="failed").update(detail={})

    assert "The voucher was not paid in time, or the bank sent the payment back." in page_of(client, order)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("payment_method_customer_decline", "The payment was not confirmed"),
        ("payment_method_provider_decline", "Your bank said no"),
        ("debit_not_authorized", "Your bank sent the payment back"),
        ("insufficient_funds", "There was not enough money"),
    ],
)
def test_a_wallet_that_was_told_no_and_a_debit_that_was_not_allowed_are_no_lack_of_money(order, code, words):
    entry = TimelineEntry(what="declined", detail={"code": code}, at=timezone.now())

    assert declines.told_of(order, entry).title.startswith(words)


# Back without having paid --------------------------------------------------------------------------------------------


def test_who_comes_back_without_paying_is_told_so_and_goes_on_with_the_same_page(client, paying):
    page = page_of(client, paying, "?left=1")

    assert "You came back without paying" in page
    assert "No payment has reached us. You can go on until" in page
    assert paying.checkout_url in page.replace("&amp;", "&")
    assert "Cancel the order" in page
    assert "You need not do anything" not in page


def test_it_is_still_said_when_the_page_looks_again_by_itself(client, paying):
    assert f"/orders/{paying.pk}/tracker/?left=1" in page_of(client, paying, "?left=1")

    assert "You came back without paying" in client.get(f"/orders/{paying.pk}/tracker/?left=1").content.decode()


def test_who_did_not_come_that_way_is_not_told_so(client, paying):
    page = page_of(client, paying)

    assert "You came back without paying" not in page
    assert "You need not do anything" in page


def test_who_paid_after_all_sees_their_coins(client, sandbox, paying):
    sandbox.pay(paying.checkout_url)
    page = page_of(client, paying, "?left=1")

    assert "You came back without paying" not in page
    assert "Your coins are here" in page


def test_a_page_that_cannot_be_gone_on_with_is_not_offered(client, paying):
    Order.objects.update(checkout_ends_at=timezone.now() - timedelta(seconds=1))
    page = page_of(client, paying, "?left=1")

    assert "You can go on until" not in page
    assert "Go on to payment" not in page


def test_a_decline_is_told_beside_it(client, paying):
    paying.note("declined", reference="ch_1", code="insufficient_funds")
    page = page_of(client, paying, "?left=1")

    assert "You came back without paying" in page
    assert "There was not enough money" in page


def test_nobody_else_sees_it(client, people, paying):
    client.force_login(people("dora"))

    assert client.get(f"/orders/{paying.pk}/?left=1").status_code == 404
