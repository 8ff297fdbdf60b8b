"""Working on a stored event: by one at a time, again after a failure, and never twice to an effect."""

import logging
from datetime import timedelta

import pytest
from conftest import at_once
from django.utils import timezone

from payments import gateway, inbox
from payments.models import StripeEvent
from wallet import ledger
from wallet.ledger import TransferKind
from wallet.models import Transfer

LONG_AGO = timedelta(hours=1)


@pytest.fixture
def stored(order, event_about):
    """The id of a stored event about Alice's order, with differences of the session."""

    def store(**differences):
        event = event_about(order, **differences)
        inbox.store(event)
        return event["id"]

    return store


def row(event_id):
    return StripeEvent.objects.get(pk=event_id)


def time_passes(event_id):
    StripeEvent.objects.filter(pk=event_id).update(due_at=timezone.now() - LONG_AGO)


def test_a_paid_session_is_settled_from_the_event_alone(alice, stored):
    event_id = stored()
    inbox.work(event_id)

    assert ledger.balances(alice.pk).coins == 350
    assert (row(event_id).state, row(event_id).attempts, row(event_id).remark) == ("done", 1, "")
    assert row(event_id).ended_at is not None


def test_an_event_that_is_done_is_not_worked_on_again(alice, stored):
    event_id = stored()
    inbox.work(event_id)
    time_passes(event_id)
    inbox.work(event_id)

    assert row(event_id).attempts == 1
    assert ledger.balances(alice.pk).coins == 350


def test_an_event_that_nobody_stored_is_nothing_to_do(db):
    inbox.work("evt_unknown")


def test_storing_an_event_again_keeps_what_was_done(alice, order, event_about):
    event = event_about(order)
    inbox.store(event)
    inbox.work(event["id"])
    inbox.store(event)

    assert row(event["id"]).state == "done"


def test_two_workers_at_one_instant_are_one_attempt(committed, alice, stored):
    event_id = stored()
    at_once(*[lambda: inbox.work(event_id)] * 6)

    assert row(event_id).attempts == 1
    assert row(event_id).state == "done"
    assert Transfer.objects.filter(kind=TransferKind.SALE).count() == 1


def test_an_event_whose_worker_died_is_left_alone_until_its_lease_ends(alice, stored):
    event_id = stored()
    StripeEvent.objects.filter(pk=event_id).update(
        attempts=1, due_at=timezone.now() + inbox.LEASE
    )  # as a lease leaves it
    inbox.work(event_id)
    assert ledger.balances(alice.pk).coins == 0

    time_passes(event_id)
    inbox.work(event_id)
    assert ledger.balances(alice.pk).coins == 350


# The provider is asked -----------------------------------------------------------------------------------------------


def test_an_event_of_another_version_is_a_hint_and_the_provider_is_asked(sandbox, alice, order, opened, event_about):
    opened(order)
    event = event_about(order) | {"api_version": "2019-01-01"}
    inbox.store(event)
    inbox.work(event["id"])
    assert ledger.balances(alice.pk).coins == 0  # the event says paid; the provider says that nobody has

    sandbox.pay(order.checkout_url)
    again = event | {"id": "evt_again"}
    inbox.store(again)
    inbox.work("evt_again")
    assert ledger.balances(alice.pk).coins == 350


def test_a_session_that_is_complete_but_not_paid_yet_gives_nothing(sandbox, alice, order, opened, stored):
    opened(order)
    event_id = stored(payment_status="unpaid")
    inbox.work(event_id)
    order.refresh_from_db()

    assert ledger.balances(alice.pk).coins == 0
    assert order.state == "opened"
    assert row(event_id).state == "done"


def test_a_provider_that_is_away_costs_no_attempt(alice, stored):
    event_id = stored(payment_status="unpaid")  # so it has to be asked, and nobody listens
    for _ in range(3):
        time_passes(event_id)
        with pytest.raises(gateway.ProviderAway):
            inbox.work(event_id)

    assert (row(event_id).state, row(event_id).attempts) == ("received", 0)
    assert row(event_id).due_at > timezone.now()


# Failures ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def hopeless(sandbox, stored):
    """An event about a session that the provider says it does not know."""
    return stored(id="cs_test_unheard_of", payment_status="unpaid")


def test_a_failure_is_written_down_and_tried_again_later_and_later(hopeless):
    waits = []
    for _ in range(4):
        time_passes(hopeless)
        inbox.work(hopeless)
        waits.append((row(hopeless).due_at - timezone.now()).total_seconds())

    assert row(hopeless).state == "received"
    assert "No such checkout" in row(hopeless).remark
    assert waits == sorted(waits)
    assert [round(wait) for wait in waits] == [1, 2, 4, 8]


def test_after_ten_failures_an_event_is_dead_and_somebody_is_told(hopeless, caplog):
    caplog.set_level(logging.CRITICAL, "payments.inbox")
    for _ in range(12):
        time_passes(hopeless)
        inbox.work(hopeless)

    assert (row(hopeless).state, row(hopeless).attempts) == ("dead", 10)
    assert "is dead after 10 attempts" in caplog.text


def test_a_dead_event_that_is_driven_again_does_its_work(alice, stored):
    event_id = stored()
    StripeEvent.objects.filter(pk=event_id).update(state="dead", attempts=10)
    inbox.work(event_id)
    assert ledger.balances(alice.pk).coins == 0

    StripeEvent.objects.filter(pk=event_id).update(state="received", attempts=0, due_at=timezone.now())
    inbox.work(event_id)
    assert ledger.balances(alice.pk).coins == 350


def test_a_first_try_that_failed_half_way_leaves_nothing_and_the_second_finishes(alice, order, stored, monkeypatch):
    event_id = stored()

    def broken(*args, **kwargs):
        raise RuntimeError("the ledger's disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "post", broken)
        inbox.work(event_id)
    order.refresh_from_db()
    assert (order.state, order.payments.count()) == ("created", 0)
    assert "disk is full" in row(event_id).remark

    time_passes(event_id)
    inbox.work(event_id)
    assert ledger.balances(alice.pk).coins == 350


def test_what_an_event_says_itself_waits_a_second_for_a_dead_worker_and_what_must_be_asked_longer(stored, monkeypatch):
    def die(row):
        raise SystemExit

    monkeypatch.setattr(inbox, "_handle", die)
    waits = {}
    for kind, differences in {"said": {}, "asked": {"payment_status": "unpaid"}}.items():
        event_id = stored(**differences)
        with pytest.raises(SystemExit):
            inbox.work(event_id)
        waits[kind] = (row(event_id).due_at - timezone.now()).total_seconds()

    assert 0 < waits["said"] <= 1
    assert 3 < waits["asked"] <= 5
