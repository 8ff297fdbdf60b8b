"""The second way for everything: what the worker did not do, the sweep does."""

import time
import uuid
from datetime import timedelta

import pytest
from conftest import at_once, give_coins
from django.utils import timezone

from payments import gateway, inbox, sweep
from payments.models import Heartbeat, Order, StripeEvent
from wallet import ledger
from wallet.ledger import Move, TransferKind
from wallet.models import Account, Transfer

SECOND = timedelta(seconds=1)


@pytest.fixture
def once(sandbox, rested):
    """One round of the sweep, with a breaker of its own."""
    return lambda: sweep.once(sweep.Breaker())


@pytest.fixture
def event_id(order, event_about):
    event = event_about(order)
    inbox.store(event)
    return event["id"]


def due(event_id, ago):
    StripeEvent.objects.filter(pk=event_id).update(due_at=timezone.now() - ago)


def poll_now(order):
    Order.objects.filter(pk=order.pk).update(poll_at=timezone.now() - SECOND)


def test_an_event_that_the_worker_missed_is_worked_on(alice, event_id, once):
    due(event_id, 3 * SECOND)
    once()
    once()

    assert ledger.balances(alice.pk).coins == 350
    assert StripeEvent.objects.get().state == "done"


def test_an_event_of_this_moment_is_left_to_the_worker(alice, event_id, once):
    once()

    assert ledger.balances(alice.pk).coins == 0
    assert StripeEvent.objects.get().attempts == 0


def test_an_event_that_failed_or_whose_worker_died_needs_no_head_start(alice, event_id, once):
    StripeEvent.objects.filter(pk=event_id).update(attempts=1, due_at=timezone.now())
    once()

    assert ledger.balances(alice.pk).coins == 350


def test_a_paid_order_whose_event_never_came_is_settled_by_asking(sandbox, alice, order, opened, once):
    opened(order)
    sandbox.pay(order.checkout_url)
    poll_now(order)
    once()

    assert ledger.balances(alice.pk).coins == 350


def test_an_unpaid_order_is_asked_about_at_growing_distances(order, opened, once):
    opened(order)
    distances = []
    for _ in range(4):
        poll_now(order)
        once()
        order.refresh_from_db()
        distances.append(round((order.poll_at - timezone.now()).total_seconds(), -1))

    assert distances == [40, 80, 160, 320]
    assert order.state == "opened"


def test_an_order_is_not_asked_about_before_its_time(sandbox, alice, order, opened, once):
    opened(order)
    sandbox.pay(order.checkout_url)
    once()

    assert ledger.balances(alice.pk).coins == 0


def test_a_settled_order_is_not_asked_about_any_more(sandbox, order, opened, once):
    opened(order)
    sandbox.pay(order.checkout_url)
    poll_now(order)
    once()
    order.refresh_from_db()

    assert order.poll_at is None
    assert sweep.due_orders() == []


def test_an_order_whose_payment_page_ended_expires(order, opened, once):
    opened(order)
    gateway._client().v1.checkout.sessions.expire(order.session_id)
    poll_now(order)
    once()
    order.refresh_from_db()

    assert (order.state, order.poll_at) == ("expired", None)
    assert order.timeline.filter(what="expired").exists()


def test_an_order_that_was_never_opened_expires_when_it_is_too_old_to_be(alice, order_of, once):
    old, new = order_of(alice, 70), order_of(alice, 350)
    Order.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(minutes=90))
    once()

    assert [Order.objects.get(pk=each.pk).state for each in [old, new]] == ["expired", "created"]


def test_a_provider_that_is_away_is_asked_once_and_then_left_alone(sandbox, rested, alice, order_of, opened):
    orders = [opened(order_of(alice, coins)) for coins in [70, 350, 700]]
    for order in orders:
        sandbox.pay(order.checkout_url)
        poll_now(order)
    sandbox.turn(api="down")
    breaker = sweep.Breaker()
    sweep.once(breaker)
    assert breaker.is_open
    for order in orders:
        poll_now(order)
    began = time.monotonic()
    sweep.once(breaker)
    assert time.monotonic() - began < 0.5
    assert {*Order.objects.values_list("state", flat=True)} == {"opened"}

    sandbox.turn(api="up")
    for order in orders:
        poll_now(order)
    sweep.once(sweep.Breaker())
    assert ledger.balances(alice.pk).coins == 1120


def test_events_that_need_no_provider_wait_no_longer_than_it_is_away(sandbox, alice, order, event_id):
    sandbox.turn(api="down")
    due(event_id, 3 * SECOND)
    sweep.once(sweep.Breaker())

    assert ledger.balances(alice.pk).coins == 350


def test_one_event_that_fails_does_not_hold_up_the_others(alice, order, event_about, once):
    bad, good = event_about(order, id="cs_test_unheard_of", payment_status="unpaid"), event_about(order)
    for event in [bad, good]:
        inbox.store(event)
    due(bad["id"], 9 * SECOND)
    due(good["id"], 5 * SECOND)
    once()

    assert ledger.balances(alice.pk).coins == 350
    assert StripeEvent.objects.get(pk=bad["id"]).attempts == 1


def test_two_sweeps_and_a_worker_at_once_settle_once(committed, sandbox, rested, alice, order, opened, event_about):
    opened(order)
    sandbox.pay(order.checkout_url)
    events = [event_about(order) for _ in range(3)]  # of one session, but of three payments of the same name
    for event in events:
        inbox.store(event)
        due(event["id"], 3 * SECOND)
    poll_now(order)
    jobs = [lambda: sweep.once(sweep.Breaker())] * 3 + [lambda: inbox.work(events[0]["id"])]

    assert [problem for problem in at_once(*jobs) if problem] == []
    assert ledger.balances(alice.pk).coins == 350
    assert Transfer.objects.filter(kind=TransferKind.SALE).count() == 1
    assert StripeEvent.objects.filter(state="done").count() == 3


def test_two_sweeps_take_different_orders(committed, sandbox, alice, order_of, opened):
    for coins in [70, 350, 700, 1400]:
        poll_now(opened(order_of(alice, coins)))
    taken = at_once(sweep.due_orders, sweep.due_orders)

    assert sorted(len(rows) for rows in taken) in ([0, 4], [1, 3], [2, 2])
    assert len({row.pk for rows in taken for row in rows}) == 4


def test_each_round_rolls_up_what_creators_earned(alice, bob, once):
    give_coins(alice, 100)
    move = Move(debit=ledger.coins_of(alice.pk), credit=ledger.diamonds_of(bob.pk), amount=100, amount_in=50)
    ledger.transfer(move, home=alice.pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="gift:of a test")
    once()

    assert Account.objects.get(owner=bob.pk, kind="diamonds").balance == 50


def test_each_round_says_that_it_was_there(db, once):
    Heartbeat.objects.filter(name="sweep").delete()
    once()

    assert timezone.now() - Heartbeat.objects.get(name="sweep").at < 5 * SECOND


def test_old_events_that_ended_are_forgotten_and_others_kept(order, event_about):
    ages = {"done": 61, "ignored": 61, "dead": 61, "received": 61}
    for state, days in ages.items():
        event = event_about(order)
        inbox.store(event)
        StripeEvent.objects.filter(pk=event["id"]).update(
            state=state, received_at=timezone.now() - timedelta(days=days)
        )
    sweep.forget_old_events()

    assert sorted(StripeEvent.objects.values_list("state", flat=True)) == ["dead", "received"]
