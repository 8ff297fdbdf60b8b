"""Money goes back, and its coins with it: once, in proportion, as a debt where they are spent, back when it fails."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import at_once, house
from django.db import transaction
from django.utils import timezone

from coinshop.accounts.models import User
from gifts import sending
from gifts.models import Gift
from payments import aftermath, gateway, outgoing, refunds, revenue, settlement, sweep
from payments.models import Order, Outgoing, Payment, Refund
from wallet import audit, ledger

WAITS = "4000 0000 0000 7726"  # its refunds are pending for an hour

pytestmark = pytest.mark.usefixtures("rested")  # a reconciliation would find what other tests paid


@pytest.fixture(autouse=True)
def sound_books(request):
    """Whatever a test did, the books and the orders tell one story."""
    request.getfixturevalue("committed" if "committed" in request.fixturenames else "db")
    yield
    assert [*audit.findings()] == []


def paid(order):
    return order.payments.get(is_surplus=False, disagreement="")


def ask(order, amount_minor, **more):
    facts = {"reason": "requested_by_customer", "by": None, "key": uuid.uuid4()} | more
    return refunds.ask(paid(order), amount_minor, **facts)


def refund(order, amount_minor, **more):
    asked = ask(order, amount_minor, **more)
    outgoing.work(Outgoing.objects.get(kind="refund", subject=asked.pk).pk)
    asked.refresh_from_db()
    return asked


def spend(who, coins):
    ledger.post(ledger.TransferKind.CHARGE, person=who.pk, amount=coins, key=uuid.uuid4(), cause="sticker:1")


def held(who):
    have = ledger.balances(who.pk)
    return have.coins, have.receivable


def in_books():
    kinds = ["clearing", "deferred_revenue", "revenue", "tax", "dispute_loss"]
    return {kind: amount for kind in kinds if (amount := house(kind))}


# Taken back ----------------------------------------------------------------------------------------------------------


def test_a_whole_refund_takes_all_coins_and_leaves_nothing_in_the_books(alice, bought):
    given = refund(bought, 415)

    assert (given.status, given.stripe_id[:3]) == ("succeeded", "re_")
    assert held(alice) == (0, 0)
    assert in_books() == {}
    assert bought.timeline.filter(what="refunded", reference=given.stripe_id).exists()


def test_parts_take_their_coins_rounded_down_and_together_all_of_them(alice, bought):
    refund(bought, 100)
    assert held(alice) == (350 - 84, 0)  # 84.3 coins
    assert in_books() == {"clearing": -315, "deferred_revenue": 337 - 81, "tax": 78 - 18, "revenue": -1}
    refund(bought, 100)
    assert held(alice) == (350 - 168, 0)  # 168.7
    refund(bought, 215)

    assert held(alice) == (0, 0)
    assert in_books() == {}


def test_what_was_spent_is_a_debt_and_its_revenue_is_undone(alice, bought):
    spend(alice, 300)
    revenue.recognise(timezone.now() - timedelta(days=1))
    refund(bought, 415)

    assert held(alice) == (0, -300)
    assert in_books() == {}


def test_the_next_purchase_pays_the_debt_first(alice, bought, order_of, pay):
    spend(alice, 300)
    refund(bought, 415)
    pay(order_of(alice, 700))

    assert held(alice) == (400, 0)


def test_coins_of_other_orders_pay_before_there_is_a_debt_and_their_money_is_earned(alice, bought, order_of, pay):
    spend(alice, 300)
    other = pay(order_of(alice, 700))
    refund(bought, 415)
    revenue.recognise(timezone.now() - timedelta(days=1))
    lot = next(lot for lot in ledger.book_of(alice.pk, revenue.net_prices).lots.values() if lot.coins == 700)

    assert held(alice) == (400, 0)
    assert (lot.left, lot.returned) == (400, 0)
    assert house("deferred_revenue") == lot.left_minor
    assert house("revenue") == other.net_minor - lot.left_minor
    assert house("clearing") == -other.price_minor


def test_a_bonus_goes_back_in_proportion_as_far_as_it_is_unspent_and_is_never_a_debt(alice, order_of, pay):
    order = order_of(alice, 700)
    Order.objects.filter(pk=order.pk).update(bonus=100)
    order = pay(Order.objects.get(pk=order.pk))
    refund(order, order.price_minor // 2)
    assert ledger.balances(alice.pk).promo == 100 - 100 * (order.price_minor // 2) // order.price_minor
    promo = ledger.balances(alice.pk).promo - 1
    ledger.post(ledger.TransferKind.PROMO_FORFEITED, person=alice.pk, amount=promo, key=uuid.uuid4(), cause="test:1")
    refund(order, order.price_minor - order.price_minor // 2)

    assert ledger.balances(alice.pk).promo == 0
    assert held(alice) == (0, 0)


def test_a_bonus_that_comes_later_is_not_taken_for_an_old_refund(alice, order_of, pay):
    order = order_of(alice, 700)
    Order.objects.filter(pk=order.pk).update(bonus=100)
    order = pay(Order.objects.get(pk=order.pk))
    ledger.post(ledger.TransferKind.PROMO_FORFEITED, person=alice.pk, amount=100, key=uuid.uuid4(), cause="test:1")
    refund(order, order.price_minor)
    other = order_of(alice, 350)
    Order.objects.filter(pk=other.pk).update(bonus=50)
    pay(Order.objects.get(pk=other.pk))
    aftermath.look(paid(order).intent_id)

    assert ledger.balances(alice.pk).promo == 50


@pytest.fixture
def present(alice, people, order_of, pay):
    """700 coins that Alice bought for Dave."""
    order = order_of(alice, 700)
    Order.objects.filter(pk=order.pk).update(recipient=people("dave"))
    return pay(Order.objects.get(pk=order.pk))


def test_coins_bought_for_another_are_taken_from_them_and_what_they_spent_is_the_buyers_debt(present, alice):
    dave = present.recipient
    spend(dave, 200)
    refund(present, present.price_minor)

    assert held(dave) == (0, 0)
    assert held(alice) == (0, -200)


def test_only_the_coins_of_that_order_are_taken_from_who_did_not_buy_it(present, alice, order_of, pay):
    dave = present.recipient
    spend(dave, 200)
    own = order_of(dave, 350)
    pay(own)
    refund(present, present.price_minor)

    assert held(dave) == (350, 0)
    assert held(alice) == (0, -200)


# Given back ----------------------------------------------------------------------------------------------------------


def test_a_refund_on_its_way_has_taken_its_coins_already(alice, order, pay, happen):
    bought = pay(order, WAITS)
    given = refund(bought, 415)
    assert (given.status, held(alice)) == ("pending", (0, 0))

    happen(f"refunds/{given.stripe_id}", status="succeeded")
    aftermath.look(paid(bought).intent_id)
    given.refresh_from_db()
    assert (given.status, held(alice)) == ("succeeded", (0, 0))


@pytest.mark.parametrize("end", ["failed", "canceled"])
def test_a_refund_that_does_not_happen_gives_back_exactly_what_it_took(alice, order, pay, happen, news, tell, end):
    bought = pay(order, WAITS)
    before = in_books()
    spend(alice, 100)
    given = refund(bought, 415)
    assert held(alice) == (0, -100)
    happen(f"refunds/{given.stripe_id}", status=end)
    for event in news(bought):
        tell(event)
    given.refresh_from_db()

    assert given.status == end
    assert held(alice) == (250, 0)
    assert in_books() == before
    assert bought.timeline.filter(what="refund_ended").count() == 1


def test_a_debt_that_was_repaid_before_the_refund_failed_is_given_back_as_coins(alice, bought, order_of, pay, happen):
    spend(alice, 300)
    given = refund(bought, 415)
    other = pay(order_of(alice, 700))
    assert held(alice) == (400, 0)
    happen(f"refunds/{given.stripe_id}", status="failed")
    aftermath.look(paid(bought).intent_id)
    revenue.recognise(timezone.now() - timedelta(days=1))

    assert held(alice) == (750, 0)
    lots = {lot.coins: lot for lot in ledger.book_of(alice.pk, revenue.net_prices).lots.values()}
    assert (lots[350].left, lots[700].left) == (50, 700)
    assert house("deferred_revenue") == lots[350].left_minor + other.net_minor


def test_after_a_refund_failed_the_next_one_takes_the_whole_again(alice, bought, happen):
    first = refund(bought, 415)
    happen(f"refunds/{first.stripe_id}", status="failed")
    aftermath.look(paid(bought).intent_id)
    assert held(alice) == (350, 0)
    second = refund(bought, 415)

    assert second.stripe_id != first.stripe_id
    assert held(alice) == (0, 0)


# Who asked for it ----------------------------------------------------------------------------------------------------


def test_a_refund_made_in_the_providers_dashboard_is_followed(alice, bought, news, tell):
    gateway._client().v1.refunds.create({"payment_intent": paid(bought).intent_id, "amount": 415})
    for event in news(bought):
        tell(event)
    row = Refund.objects.get()

    assert (row.status, row.asked_by, row.amount_minor) == ("succeeded", None, 415)
    assert held(alice) == (0, 0)


def test_news_of_a_refund_that_come_before_news_of_the_payment_settle_and_take(sandbox, alice, order, opened, news):
    opened(order)
    sandbox.pay(order.checkout_url)
    intent_id = gateway.fetch(order.session_id).intent_id
    gateway._client().v1.refunds.create({"payment_intent": intent_id})
    assert not Payment.objects.exists()
    aftermath.look(intent_id)
    order.refresh_from_db()

    assert (order.state, held(alice)) == ("settled", (0, 0))
    assert in_books() == {}


def test_a_payment_of_somebody_else_is_none_of_ours(sandbox, db):
    assert aftermath.look("pi_somebody_elses") is None


def test_money_that_came_a_second_time_is_given_back_by_itself_and_takes_no_coins(
    sandbox, alice, bought, order_of, opened
):
    second = opened(order_of(alice))
    sandbox.pay(second.checkout_url)
    Order.objects.filter(pk=second.pk).update(session_id=None)  # as if both sessions had been the first order's
    evidence = gateway.fetch(second.session_id)
    settlement.settle(bought.pk, replace(evidence, order_ids=(str(bought.pk),)))
    sweep.once(sweep.Breaker())
    given = Refund.objects.get()

    assert (given.status, given.reason, given.asked_by, given.amount_minor) == ("succeeded", "duplicate", None, 415)
    assert given.payment.is_surplus
    assert held(alice) == (350, 0)
    assert house("clearing") == -415


# What cannot be given back -------------------------------------------------------------------------------------------


def test_the_same_form_sent_twice_is_one_refund(alice, bought):
    key = uuid.uuid4()
    assert ask(bought, 100, key=key).pk == ask(bought, 100, key=key).pk
    sweep.once(sweep.Breaker())

    assert held(alice) == (350 - 84, 0)


def test_no_more_is_given_back_than_came(bought):
    ask(bought, 400)
    with pytest.raises(refunds.NotRefundable, match="0.15"):
        ask(bought, 16)


def test_two_people_who_refund_everything_at_one_instant_refund_it_once(committed, alice, bought):
    results = at_once(*[lambda: ask(bought, 415)] * 4)

    assert sum(isinstance(result, Refund) for result in results) == 1
    assert sum(isinstance(result, refunds.NotRefundable) for result in results) == 3


def test_what_the_bank_has_taken_is_not_given_back_as_well(bought, happen):
    happen("disputes", charge=paid(bought).intent_id)
    aftermath.look(paid(bought).intent_id)

    with pytest.raises(refunds.NotRefundable, match="disputes this payment"):
        ask(bought, 100)


def test_a_dispute_that_is_news_to_us_stops_the_refund_at_the_provider(alice, bought, happen):
    asked = ask(bought, 100)
    happen("disputes", charge=paid(bought).intent_id)
    sweep.once(sweep.Breaker())
    asked.refresh_from_db()

    assert asked.status == "refused"
    assert "bank disputes this payment" in asked.failure
    assert held(alice) == (0, 0)  # the dispute took them, once
    assert bought.disputes.count() == 1


def test_a_method_that_cannot_give_back_says_so_and_takes_no_coins(sandbox, people, order_of, opened, happen):
    dona = people("dona", country="BR")
    order = opened(order_of(dona, 350))
    sandbox.post(order.checkout_url, {"email": "dona@example.com", "method": "boleto"})
    session = gateway._client().v1.checkout.sessions.retrieve(order.session_id)
    happen(f"payments/{session.payment_intent}", status="succeeded")
    order = settlement.ask(order)
    given = refund(order, order.price_minor)

    assert given.status == "refused"
    assert "cannot be given back through the provider" in given.failure
    assert held(dona) == (350, 0)
    assert refunds.refundable_minor(paid(order)) == order.price_minor


# Sent once -----------------------------------------------------------------------------------------------------------


def at_the_provider(order):
    return gateway._client().v1.refunds.list({"payment_intent": paid(order).intent_id}).data


def row_of_refund():
    return Outgoing.objects.get(kind="refund")


def test_a_provider_that_is_away_gets_the_refund_when_it_is_back_with_the_same_key(sandbox, alice, bought):
    asked = ask(bought, 100)
    key = row_of_refund().key
    sandbox.turn(api="down")
    sweep.once(sweep.Breaker())
    assert (row_of_refund().attempts, held(alice)) == (0, (350, 0))

    sandbox.turn(api="up")
    Outgoing.objects.update(due_at=timezone.now())
    sweep.once(sweep.Breaker())
    asked.refresh_from_db()
    assert (asked.status, row_of_refund().key) == ("succeeded", key)
    assert held(alice) == (350 - 84, 0)


def test_an_answer_that_was_lost_is_no_second_refund(alice, bought, monkeypatch):
    asked = ask(bought, 100)
    with monkeypatch.context() as patch:
        patch.setattr(aftermath, "look", lambda intent_id: 1 / 0)  # the worker dies just after sending
        outgoing.work(row_of_refund().pk)
    assert len(at_the_provider(bought)) == 1
    Outgoing.objects.update(due_at=timezone.now())
    sweep.once(sweep.Breaker())
    asked.refresh_from_db()

    assert asked.status == "succeeded"
    assert len(at_the_provider(bought)) == 1
    assert held(alice) == (350 - 84, 0)


def test_a_lost_answer_of_yesterday_is_looked_up_because_the_provider_forgot_its_key(
    alice, bought, monkeypatch, time_at_provider
):
    ask(bought, 100)
    with monkeypatch.context() as patch:
        patch.setattr(aftermath, "look", lambda intent_id: 1 / 0)
        outgoing.work(row_of_refund().pk)
    time_at_provider(hours=25)
    Outgoing.objects.update(due_at=timezone.now(), first_tried_at=timezone.now() - timedelta(hours=25))
    sweep.once(sweep.Breaker())

    assert len(at_the_provider(bought)) == 1
    assert Refund.objects.get().status == "succeeded"
    assert row_of_refund().state == "done"


def test_a_refund_we_cannot_even_ask_for_waits_for_a_person_and_is_not_called_refused(bought, settings, sandbox):
    asked = ask(bought, 100)
    with transaction.atomic():
        Payment.objects.update(intent_id="pi_of_another_account")
    for _ in range(10):
        Outgoing.objects.update(due_at=timezone.now())
        outgoing.work(row_of_refund().pk)
    asked.refresh_from_db()

    assert (asked.status, row_of_refund().state) == ("asked", "dead")


def test_refunds_events_and_gifts_at_one_instant_keep_the_books(committed, alice, bob, bought):
    for part in [100, 150]:
        ask(bought, part)
    rows = [row.pk for row in Outgoing.objects.all()]
    perfume = Gift.objects.get(slug="perfume")

    def give():
        sending.send(User.objects.get(pk=alice.pk), bob, perfume, quantity=1, key=uuid.uuid4())

    def look():
        aftermath.look(paid(bought).intent_id)

    at_once(*[lambda row=row: outgoing.work(row) for row in rows * 2], look, look, give, give)
    look()
    given = [refund.amount_minor for refund in Refund.objects.filter(status="succeeded")]

    assert given == [100, 150]
    assert sum(held(alice)) + sum(sent.coins for sent in alice.gifts_sent.all()) == 350 - 350 * 250 // 415
