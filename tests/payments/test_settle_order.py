"""A paid order becomes coins, once, whoever says so and however often."""

from datetime import timedelta

import pytest
from conftest import at_once, draft_of, publish
from django.core.management import call_command
from django.utils import timezone

from payments import revisions, settlement
from payments.models import Order, PackagePrice, Payment, PriceList, Region, RegionCountry
from wallet import ledger
from wallet.ledger import TransferKind
from wallet.models import Transfer


def timeline(order):
    return [*order.timeline.values_list("what", flat=True)]


def the_books_are_exact():
    call_command("audit_ledger")
    return True


def test_a_paid_order_credits_its_coins_exactly_once(alice, order, evidence_of):
    settlement.settle(order.pk, evidence_of(order))
    settlement.settle(order.pk, evidence_of(order))
    order.refresh_from_db()

    assert ledger.balances(alice.pk) == ledger.Balances(coins=350)
    assert order.state == "settled"
    assert order.settled_at is not None
    assert timeline(order) == ["ordered", "paid", "settled"]
    assert [payment.settles for payment in order.payments.all()] == [True]
    assert the_books_are_exact()


def test_hearing_of_a_payment_again_leaves_the_moment_of_delivery(order, evidence_of):
    first = settlement.settle(order.pk, evidence_of(order)).settled_at

    assert settlement.settle(order.pk, evidence_of(order)).settled_at == first


def test_two_events_about_one_payment_credit_once(alice, order, event_about, opened_inbox):
    for kind in ["checkout.session.completed", "checkout.session.async_payment_succeeded"]:
        opened_inbox(event_about(order, kind))

    assert ledger.balances(alice.pk).coins == 350
    assert order.payments.count() == 1


@pytest.fixture
def opened_inbox():
    """Store an event and work on it."""
    from payments import inbox

    def store_and_work(event):
        inbox.store(event)
        inbox.work(event["id"])

    return store_and_work


def test_bonus_coins_are_given_and_not_sold(people, evidence_of, order_of):
    region = Region.objects.create(slug="malta", name="Malta", currency="EUR")
    RegionCountry.objects.create(code="MT", region=region)
    prices = PriceList.objects.create(
        region=region, version=1, custom_coins=100, custom_price_minor=200, custom_max_coins=1000
    )
    PackagePrice.objects.create(price_list=prices, coins=500, bonus=25, price_minor=900)
    revisions.put_first_live(prices)
    maria = people("maria", country="MT")
    order = order_of(maria, 500)
    for _ in range(2):
        settlement.settle(order.pk, evidence_of(order))

    assert ledger.balances(maria.pk) == ledger.Balances(coins=500, promo=25)
    assert the_books_are_exact()


def test_what_is_not_paid_yet_changes_nothing(alice, order, evidence_of):
    settlement.settle(order.pk, evidence_of(order, is_paid=False, intent_id=""))
    order.refresh_from_db()

    assert ledger.balances(alice.pk).coins == 0
    assert order.state == "created"
    assert not order.payments.exists()


def test_a_payment_of_500_yen_is_500_yen(people, order_of, evidence_of):
    japan = Region.objects.get(slug="japan")
    prices = draft_of(PriceList.objects.get(region=japan, state="live"))
    PackagePrice.objects.create(price_list=prices, coins=280, price_minor=500)
    publish(prices)
    yuki = people("yuki", country="JP")
    order = order_of(yuki, 280)
    settlement.settle(order.pk, evidence_of(order, amount_minor=500))

    assert (order.price_minor, order.currency) == (500, "JPY")
    assert ledger.balances(yuki.pk).coins == 280


# Money that does not agree -------------------------------------------------------------------------------------------

DISAGREEMENTS = {
    "too little": ({"amount_minor": 1}, "it is 1, the order 415"),
    "too much": ({"amount_minor": 416}, "it is 416, the order 415"),
    "a hundredfold": ({"amount_minor": 41500}, "it is 41500"),
    "another currency": ({"currency": "JPY"}, "it is in JPY, the order in EUR"),
    "real money in a test shop": ({"is_live": True}, "real money in a test shop"),
    "no payment": ({"intent_id": ""}, "it names no payment"),
    "another order": ({"order_ids": ("00000000-0000-4000-8000-000000000000",)}, "it names 00000000"),
    "two orders": ({"order_ids": "both"}, "it names"),
    "no order": ({"order_ids": ()}, "it names no order"),
}


@pytest.mark.parametrize(("difference", "reason"), DISAGREEMENTS.values(), ids=DISAGREEMENTS.keys())
def test_money_that_does_not_agree_is_kept_with_its_reason_and_not_credited(
    alice, order, evidence_of, difference, reason
):
    if difference.get("order_ids") == "both":
        difference = {"order_ids": (str(order.pk), "00000000-0000-4000-8000-000000000000")}
    for _ in range(2):
        settlement.settle(order.pk, evidence_of(order, **difference))
    order.refresh_from_db()
    (payment,) = order.payments.all()

    assert ledger.balances(alice.pk) == ledger.Balances()
    assert order.state == "paid"
    assert reason in payment.disagreement
    assert timeline(order) == ["ordered", "disagreed"]
    assert the_books_are_exact()


def test_test_money_in_a_live_shop_is_not_credited(alice, order, evidence_of, settings):
    settings.STRIPE_API_KEY = "sk_live_x"
    settlement.settle(order.pk, evidence_of(order))

    assert ledger.balances(alice.pk).coins == 0
    assert "test money" in order.payments.get().disagreement


def test_the_payment_of_a_cheap_order_does_not_settle_a_dear_one(alice, order_of, evidence_of):
    cheap, dear = order_of(alice, 70), order_of(alice, 17_500)
    settlement.settle(dear.pk, evidence_of(cheap))
    dear.refresh_from_db()

    assert dear.state == "paid"
    assert ledger.balances(alice.pk).coins == 0


def test_the_payment_of_somebody_elses_equal_order_does_not_settle_mine(alice, people, order_of, evidence_of):
    mine, theirs = order_of(alice, 350), order_of(people("eve"), 350)
    settlement.settle(mine.pk, evidence_of(theirs))

    assert ledger.balances(alice.pk).coins == 0
    assert "it names" in mine.payments.get().disagreement


def test_the_right_money_after_wrong_money_settles(alice, order, evidence_of):
    settlement.settle(order.pk, evidence_of(order, amount_minor=1, intent_id="pi_wrong"))
    settlement.settle(order.pk, evidence_of(order))
    order.refresh_from_db()

    assert ledger.balances(alice.pk).coins == 350
    assert order.state == "settled"
    assert timeline(order) == ["ordered", "disagreed", "paid", "settled"]


# Money that comes twice, or late -------------------------------------------------------------------------------------


def test_a_second_payment_of_an_order_is_kept_as_a_surplus(alice, order, evidence_of):
    settlement.settle(order.pk, evidence_of(order))
    settlement.settle(order.pk, evidence_of(order, intent_id="pi_again", session_id="cs_test_again"))
    first, second = order.payments.all()

    assert ledger.balances(alice.pk).coins == 350
    assert (first.is_surplus, second.is_surplus) == (False, True)
    assert timeline(order) == ["ordered", "paid", "settled", "surplus", "refund_asked"]
    assert the_books_are_exact()


def test_money_that_comes_after_the_order_expired_settles_it(alice, order, evidence_of):
    settlement.expire(order.pk)
    settlement.settle(order.pk, evidence_of(order))
    order.refresh_from_db()

    assert ledger.balances(alice.pk).coins == 350
    assert order.state == "settled"


def test_an_order_that_was_paid_never_expires(order, evidence_of):
    settlement.settle(order.pk, evidence_of(order))
    settlement.expire(order.pk)
    settlement.follow(evidence_of(order, is_paid=False, status="expired"))
    order.refresh_from_db()

    assert order.state == "settled"
    assert "expired" not in timeline(order)


def test_an_order_whose_money_is_looked_at_never_expires(order, evidence_of):
    settlement.settle(order.pk, evidence_of(order, amount_minor=1))
    settlement.expire(order.pk)
    order.refresh_from_db()

    assert order.state == "paid"


def test_an_expired_event_that_comes_after_the_paid_one_is_without_effect(alice, order, event_about, opened_inbox):
    Order.objects.filter(pk=order.pk).update(session_id="cs_test_mine", state="opened")
    order.refresh_from_db()
    opened_inbox(event_about(order))
    opened_inbox(event_about(order, "checkout.session.expired", status="expired", payment_intent=None))
    order.refresh_from_db()

    assert order.state == "settled"
    assert ledger.balances(alice.pk).coins == 350


def test_the_end_of_another_session_does_not_end_the_order(order, evidence_of):
    Order.objects.filter(pk=order.pk).update(session_id="cs_test_mine", state="opened")
    settlement.follow(evidence_of(order, session_id="cs_test_older", is_paid=False, status="expired"))
    order.refresh_from_db()

    assert order.state == "opened"


def test_evidence_about_nobodys_order_is_nothing_to_do(db, order, evidence_of):
    assert settlement.follow(evidence_of(order, order_ids=("not an id",))) is None
    assert settlement.follow(evidence_of(order, order_ids=())) is None
    assert settlement.follow(evidence_of(order, order_ids=("00000000-0000-4000-8000-000000000000",))) is None


# All at once ---------------------------------------------------------------------------------------------------------


def test_eight_who_settle_at_one_instant_credit_once(committed, alice, order, evidence_of):
    proof = evidence_of(order)
    results = at_once(*[lambda: settlement.settle(order.pk, proof) for _ in range(8)])

    assert [type(result) for result in results] == [Order] * 8
    assert ledger.balances(alice.pk).coins == 350
    assert Transfer.objects.filter(cause=f"order:{order.pk}", kind=TransferKind.SALE).count() == 1
    assert Payment.objects.count() == 1
    assert the_books_are_exact()


def test_paying_and_expiring_at_one_instant_leaves_the_coins(committed, alice, order, evidence_of):
    proof = evidence_of(order)
    at_once(*[lambda: settlement.settle(order.pk, proof), lambda: settlement.expire(order.pk)] * 4)
    order.refresh_from_db()

    assert order.state == "settled"
    assert ledger.balances(alice.pk).coins == 350
    assert the_books_are_exact()


def test_two_payments_at_one_instant_are_one_sale_and_one_surplus(committed, alice, order, evidence_of):
    proofs = [evidence_of(order, intent_id=f"pi_{n}", session_id=f"cs_test_{n}") for n in range(4)]
    at_once(*[lambda proof=proof: settlement.settle(order.pk, proof) for proof in proofs])

    assert sorted(order.payments.values_list("is_surplus", flat=True)) == [False, True, True, True]
    assert ledger.balances(alice.pk).coins == 350


def test_a_second_sale_is_impossible_even_when_somebody_resets_the_order_by_hand(committed, alice, order, evidence_of):
    settlement.settle(order.pk, evidence_of(order))
    Order.objects.filter(pk=order.pk).update(state="opened", settled_at=None)
    order.payments.all().delete()
    settlement.settle(order.pk, evidence_of(order, intent_id="pi_by_hand"))

    assert ledger.balances(alice.pk).coins == 350
    assert Transfer.objects.filter(cause=f"order:{order.pk}", kind=TransferKind.SALE).count() == 1


def test_orders_of_one_person_settle_side_by_side(committed, alice, order_of, evidence_of):
    orders = [order_of(alice, coins) for coins in [70, 350, 700, 1400]]
    at_once(*[lambda each=each: settlement.settle(each.pk, evidence_of(each)) for each in orders])

    assert ledger.balances(alice.pk).coins == 2520
    assert the_books_are_exact()


# The three callers ---------------------------------------------------------------------------------------------------


def test_the_page_people_come_back_to_settles_before_any_event(client, sandbox, alice, order, opened):
    opened(order)
    sandbox.pay(order.checkout_url)
    client.force_login(alice)
    page = client.get(f"/orders/{order.pk}/return/", follow=True)

    assert "Your coins are here" in page.content.decode()
    assert ledger.balances(alice.pk).coins == 350


def test_who_comes_back_without_having_paid_is_told_that_we_wait(client, sandbox, alice, order, opened):
    opened(order)
    client.force_login(alice)
    page = client.get(f"/orders/{order.pk}/return/", follow=True)

    assert "Waiting for your payment" in page.content.decode()
    assert ledger.balances(alice.pk).coins == 0


def test_who_comes_back_while_the_provider_is_away_sees_the_tracker_and_gets_the_coins_later(
    client, sandbox, alice, order, opened
):
    opened(order)
    sandbox.pay(order.checkout_url)
    sandbox.turn(api="down")
    client.force_login(alice)
    page = client.get(f"/orders/{order.pk}/return/", follow=True)

    assert "Waiting for your payment" in page.content.decode()
    sandbox.turn(api="up")
    settlement.poll(order)
    assert ledger.balances(alice.pk).coins == 350


def test_the_tracker_and_the_receipt_tell_what_the_ledger_tells(client, alice, order, evidence_of):
    settlement.settle(order.pk, evidence_of(order))
    client.force_login(alice)
    sale = Transfer.objects.get(cause=f"order:{order.pk}", kind=TransferKind.SALE)
    receipt = client.get(f"/orders/{order.pk}/receipt/").content.decode()
    tracker = client.get(f"/orders/{order.pk}/tracker/")

    assert tracker.status_code == 286
    assert "Your balance is now 350 coins" in tracker.content.decode()
    for told in [order.number, "€4.15", "€3.37", "€0.78", "VAT 23%", str(sale.pk)]:
        assert told in receipt


def test_the_tracker_of_an_order_that_is_late_says_that_a_person_looks(client, alice, order, evidence_of):
    settlement.settle(order.pk, evidence_of(order, amount_minor=1))
    client.force_login(alice)
    page = client.get(f"/orders/{order.pk}/").content.decode()

    assert "We are checking something" in page
    assert "Your money is not lost" in page


def test_an_order_that_was_polled_for_days_is_still_asked_about_every_hour(db):
    from payments.models.orders import poll_after

    now = timezone.now()

    assert poll_after(0, now) == now + timedelta(seconds=20)
    assert poll_after(3, now) == now + timedelta(seconds=160)
    assert {poll_after(polls, now) for polls in [8, 41, 42, 1_000, 32_767]} == {now + timedelta(hours=1)}
