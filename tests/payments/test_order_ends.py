"""Every way an order can go but paid at once: days of waiting, failure, another try, a change of mind."""

import re
from datetime import timedelta

import pytest
from conftest import at_once, draft_of, publish
from django.core.management import call_command
from django.utils import timezone

from payments import checkout, gateway, inbox, settlement, sweep
from payments.models import Order, PriceList
from wallet import ledger
from wallet.ledger import TransferKind
from wallet.models import Transfer


@pytest.fixture
def paying(client, sandbox, alice, order, opened):
    """Alice's order with its payment page open, and Alice signed in."""
    client.force_login(alice)
    return opened(order)


@pytest.fixture
def waiting(sandbox, paying):
    """The same order after Alice chose a way to pay that takes days: `waiting("sepa_debit")`."""

    def choose(method):
        assert sandbox.choose(paying.checkout_url, method) == 303
        return settlement.ask(paying)

    return choose


@pytest.fixture
def hear(event_about):
    """An event about an order comes, and is worked on."""

    def tell(order, type, **session):
        event = event_about(order, type, **session)
        inbox.store(event)
        inbox.work(event["id"])
        order.refresh_from_db()
        return order

    return tell


def page_of(client, order):
    return client.get(f"/orders/{order.pk}/").content.decode()


def decide(sandbox, order, status):
    """The bank, or the person at the counter, does what everybody waits for."""
    assert sandbox.happen(f"payments/{gateway.fetch(order.session_id).intent_id}", status=status) == 200


def session_at_provider(session_id):
    return gateway._client().v1.checkout.sessions.retrieve(session_id)


def timeline(order):
    return [*order.timeline.values_list("what", flat=True)]


# Days of waiting -----------------------------------------------------------------------------------------------------


def test_a_bank_debit_waits_as_processing_and_gives_no_coins_yet(client, alice, waiting):
    order = waiting("sepa_debit")
    page = page_of(client, order)

    assert order.state == "processing"
    assert ledger.balances(alice.pk).coins == 0
    assert "Your payment is on its way" in page
    assert "You need not buy them again" in page
    assert "Go on to payment" not in page
    assert "Choose again" not in page


def test_a_voucher_says_until_when_it_can_be_paid_and_where_it_is(client, sandbox, waiting):
    order = waiting("multibanco")
    due = gateway.fetch(order.session_id).due_at
    page = page_of(client, order)

    assert order.state == "processing"
    assert f"Pay it by {due:%b. } {due.day}, {due.year}".replace("  ", " ") in page
    assert re.search(rf'href="{sandbox.url}/vouchers/pi_\w+"', page)


def test_the_event_of_a_session_that_is_complete_and_unpaid_makes_the_order_wait(sandbox, alice, paying, hear):
    sandbox.choose(paying.checkout_url, "sepa_debit")
    hear(paying, "checkout.session.completed", payment_status="unpaid")

    assert paying.state == "processing"
    assert ledger.balances(alice.pk).coins == 0


@pytest.mark.parametrize("method", ["sepa_debit", "multibanco"])
def test_money_that_comes_days_later_settles(sandbox, alice, waiting, method):
    order = waiting(method)
    decide(sandbox, order, "succeeded")
    order = settlement.ask(order)

    assert order.state == "settled"
    assert ledger.balances(alice.pk).coins == 350
    assert timeline(order) == ["ordered", "opened", "processing", "paid", "settled"]


def test_an_order_that_waits_for_days_is_still_asked_about(sandbox, alice, waiting):
    order = waiting("sepa_debit")
    decide(sandbox, order, "succeeded")
    Order.objects.update(poll_at=timezone.now() - timedelta(seconds=1))
    sweep.once(sweep.Breaker())

    assert ledger.balances(alice.pk).coins == 350


def test_a_voucher_cannot_be_cancelled_with_us_so_nothing_offers_it(client, waiting):
    order = waiting("multibanco")
    assert "Cancel the order" not in page_of(client, order)
    client.post(f"/orders/{order.pk}/cancel/")
    order.refresh_from_db()

    assert order.state == "processing"


# Failure, and another try --------------------------------------------------------------------------------------------


@pytest.fixture
def failed(sandbox, waiting):
    order = waiting("sepa_debit")
    decide(sandbox, order, "failed")
    return settlement.ask(order)


def test_a_payment_that_fails_after_days_fails_the_order_and_offers_another_try(client, alice, failed):
    page = page_of(client, failed)

    assert failed.state == "failed"
    assert failed.poll_at is None
    assert ledger.balances(alice.pk).coins == 0
    assert "The payment did not go through" in page
    assert "Try again" in page


def test_the_event_of_a_failed_payment_fails_the_order(sandbox, waiting, hear):
    order = waiting("sepa_debit")
    decide(sandbox, order, "failed")
    hear(order, "checkout.session.async_payment_failed", payment_status="unpaid")

    assert order.state == "failed"


def test_another_try_is_a_new_page_for_the_same_order_at_the_same_price(client, sandbox, alice, failed):
    first = failed.session_id
    answer = client.post(f"/orders/{failed.pk}/checkout/")
    failed.refresh_from_db()
    session = session_at_provider(failed.session_id)

    assert answer.url == failed.checkout_url
    assert failed.session_id != first
    assert (session.amount_total, session.client_reference_id) == (415, str(failed.pk))
    assert Order.objects.count() == 1
    assert sandbox.pay(failed.checkout_url) == 303
    assert settlement.ask(failed).state == "settled"
    assert ledger.balances(alice.pk).coins == 350


def test_another_try_pressed_in_two_tabs_is_one_page(committed, sandbox, alice, order, opened):
    opened(order)
    sandbox.choose(order.checkout_url, "sepa_debit")
    settlement.ask(order)
    decide(sandbox, order, "failed")
    order = settlement.ask(order)

    def press():
        again = checkout.try_again(Order.objects.get(pk=order.pk))
        return checkout.open_page(again, site="http://testserver", language="en")

    pages = {page for page in at_once(press, press, press) if isinstance(page, str)}
    order.refresh_from_db()

    assert pages == {order.checkout_url}  # a call that meets another one under way is told to try again
    assert order.attempt == 2


def test_another_try_is_not_offered_once_the_price_has_changed(client, failed):
    draft = draft_of(PriceList.objects.get(region__slug="eurozone", channel="web", state="live"))
    publish(draft)
    page = page_of(client, failed)
    client.post(f"/orders/{failed.pk}/checkout/")
    failed.refresh_from_db()

    assert "Our prices have changed since" in page
    assert "Choose again" in page
    assert failed.state == "failed"


def test_news_of_the_first_page_does_not_touch_the_second(client, failed, hear):
    first = failed.session_id
    client.post(f"/orders/{failed.pk}/checkout/")
    hear(failed, "checkout.session.expired", id=first, status="expired", payment_status="unpaid", payment_intent=None)
    assert failed.state == "opened"
    hear(failed, "checkout.session.async_payment_failed", id=first, payment_status="unpaid")

    assert failed.state == "opened"


def test_a_failed_payment_that_comes_after_all_settles(alice, failed, evidence_of):
    settlement.settle(failed.pk, evidence_of(failed))

    assert ledger.balances(alice.pk).coins == 350


def test_an_old_page_that_was_paid_after_all_is_settled_instead_of_opening_another(client, sandbox, alice, waiting):
    order = waiting("sepa_debit")
    decide(sandbox, order, "succeeded")
    Order.objects.filter(pk=order.pk).update(state="failed", poll_at=None)  # as a wrong word would leave it
    answer = client.post(f"/orders/{order.pk}/checkout/")
    order.refresh_from_db()

    assert (order.state, order.attempt) == ("settled", 1)
    assert answer.url == f"/orders/{order.pk}/"
    assert ledger.balances(alice.pk).coins == 350


# A no from the provider ----------------------------------------------------------------------------------------------


def test_after_a_definite_no_the_next_try_goes_under_a_fresh_key(sandbox, order):
    Order.objects.filter(pk=order.pk).update(price_minor=2, tax_minor=0)  # less than anybody can charge
    order.refresh_from_db()
    before = order.attempt
    with pytest.raises(gateway.ProviderRefused):
        checkout.open_page(order, site="http://testserver", language="en")
    Order.objects.filter(pk=order.pk).update(price_minor=415)
    order.refresh_from_db()

    assert order.attempt == before + 1
    assert checkout.open_page(order, site="http://testserver", language="en").startswith(sandbox.url)


# A change of mind ----------------------------------------------------------------------------------------------------


def test_cancelling_closes_the_page_first_so_that_nobody_can_pay_any_more(client, sandbox, paying):
    page = client.post(f"/orders/{paying.pk}/cancel/", follow=True).content.decode()
    paying.refresh_from_db()

    assert paying.state == "cancelled"
    assert session_at_provider(paying.session_id).status == "expired"
    assert sandbox.pay(paying.checkout_url) == 410
    assert "You cancelled this order" in page
    assert "Choose again" in page


def test_an_order_whose_page_was_never_opened_is_cancelled_without_asking_anybody(client, alice, order):
    client.force_login(alice)
    client.post(f"/orders/{order.pk}/cancel/")
    order.refresh_from_db()

    assert order.state == "cancelled"


def test_cancelling_an_order_that_was_paid_a_moment_before_settles_it(client, sandbox, alice, paying):
    sandbox.pay(paying.checkout_url)
    page = client.post(f"/orders/{paying.pk}/cancel/", follow=True).content.decode()
    paying.refresh_from_db()

    assert paying.state == "settled"
    assert "cannot be cancelled any more" in page
    assert ledger.balances(alice.pk).coins == 350


def test_cancelling_an_order_whose_voucher_was_just_printed_waits_for_its_money(client, sandbox, paying):
    sandbox.choose(paying.checkout_url, "multibanco")
    client.post(f"/orders/{paying.pk}/cancel/")
    paying.refresh_from_db()

    assert paying.state == "processing"


def test_while_the_provider_is_away_an_order_stays_open_and_can_be_cancelled_later(client, sandbox, paying):
    sandbox.turn(api="down")
    page = client.post(f"/orders/{paying.pk}/cancel/", follow=True).content.decode()
    paying.refresh_from_db()
    assert paying.state == "opened"
    assert "your order is still open" in page

    sandbox.turn(api="up")
    client.post(f"/orders/{paying.pk}/cancel/")
    paying.refresh_from_db()
    assert paying.state == "cancelled"


def test_a_cancelled_order_stays_cancelled_when_its_page_is_reported_as_expired(client, paying, hear):
    client.post(f"/orders/{paying.pk}/cancel/")
    hear(paying, "checkout.session.expired", status="expired", payment_status="unpaid", payment_intent=None)

    assert paying.state == "cancelled"
    assert timeline(paying) == ["ordered", "opened", "cancelled"]


def test_money_that_comes_after_cancelling_settles(client, alice, paying, evidence_of):
    client.post(f"/orders/{paying.pk}/cancel/")
    settlement.settle(paying.pk, evidence_of(paying))
    paying.refresh_from_db()

    assert paying.state == "settled"
    assert ledger.balances(alice.pk).coins == 350


def test_a_page_that_opens_while_its_order_is_being_cancelled_is_closed_again(sandbox, order):
    stale = Order.objects.get(pk=order.pk)
    settlement.cancel(order.pk)
    with pytest.raises(checkout.NotPayable):
        checkout.open_page(stale, site="http://testserver", language="en")
    order.refresh_from_db()
    newest = gateway._client().v1.checkout.sessions.list(params={"limit": 1}).data[0]

    assert (order.state, order.session_id) == ("cancelled", None)
    assert (newest.client_reference_id, newest.status) == (str(order.pk), "expired")


@pytest.mark.parametrize("state", ["settled", "paid", "processing"])
def test_an_order_that_has_money_is_not_cancelled(order, state):
    now = timezone.now() if state == "settled" else None
    Order.objects.filter(pk=order.pk).update(state=state, settled_at=now)

    assert settlement.cancel(order.pk).state == state


# No way back ---------------------------------------------------------------------------------------------------------

LATE_NEWS = {
    "expired": {"status": "expired", "is_paid": False, "intent_id": ""},
    "failed": {"is_paid": False, "has_failed": True},
    "on its way": {"is_paid": False},
    "open": {"status": "open", "is_paid": False, "intent_id": ""},
}


@pytest.mark.parametrize("news", LATE_NEWS.values(), ids=LATE_NEWS.keys())
@pytest.mark.parametrize("state", ["settled", "paid", "expired", "cancelled", "failed"])
def test_an_order_that_ended_stays_so_whatever_is_heard_late(order, evidence_of, state, news):
    now = timezone.now() if state == "settled" else None
    Order.objects.filter(pk=order.pk).update(state=state, settled_at=now, session_id="cs_test_mine")
    order.refresh_from_db()
    settlement.follow(evidence_of(order, **news))
    order.refresh_from_db()

    assert order.state == state
    assert timeline(order) == ["ordered"]


def test_cancelling_and_paying_at_one_instant_ends_with_the_coins_or_without_a_charge(
    committed, sandbox, alice, order_of, opened
):
    orders = [opened(order_of(alice, coins)) for coins in [70, 350, 700, 1400]]
    jobs = [lambda each=each: sandbox.pay(each.checkout_url) for each in orders]
    jobs += [lambda each=each: checkout.cancel(each) for each in orders]
    at_once(*jobs)
    for each in Order.objects.all():
        settlement.follow(gateway.fetch(each.session_id))

    for each in Order.objects.all():
        is_paid = session_at_provider(each.session_id).payment_status == "paid"
        assert each.state == ("settled" if is_paid else "cancelled")
        assert Transfer.objects.filter(cause=f"order:{each.pk}", kind=TransferKind.SALE).count() == is_paid
    call_command("audit_ledger")
