"""What leaves us: written with its cause, sent by one at a time, again after a failure, always with the same key."""

import logging
from datetime import timedelta

import pytest
from conftest import at_once
from django.db import transaction
from django.utils import timezone

from payments import gateway, outgoing, sweep
from payments.models import Outgoing

letters = []
troubles = {}  # what the sender of a letter meets, by the letter's subject


def send_letter(row):
    """A kind of these tests: a letter that arrives, or meets the trouble its subject stands for."""
    if row.subject in troubles:
        raise troubles[row.subject]
    letters.append((row.subject, row.key))
    return ""


@pytest.fixture(autouse=True)
def postman(monkeypatch):
    monkeypatch.setitem(outgoing.SENDERS, "letter", f"{__name__}.send_letter")
    letters.clear()
    troubles.clear()


@pytest.fixture
def written(request):
    """A row about a subject, committed with its cause."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")

    def write(subject):
        with transaction.atomic():
            return outgoing.write("letter", subject)

    return write


def time_passes(row):
    Outgoing.objects.filter(pk=row.pk).update(due_at=timezone.now() - timedelta(hours=1))


def work(row):
    time_passes(row)
    outgoing.work(row.pk)
    row.refresh_from_db()


def test_what_was_written_is_sent_once(written):
    row = written("hello")
    work(row)
    work(row)

    assert letters == [("hello", row.key)]
    assert (row.state, row.attempts, row.remark) == ("done", 1, "")
    assert row.ended_at is not None


def test_a_thing_asked_for_twice_leaves_once(written):
    assert written("hello").pk == written("hello").pk


def test_what_is_to_be_sent_is_written_only_with_its_cause(committed):
    with pytest.raises(transaction.TransactionManagementError):
        outgoing.write("letter", "hello")

    assert not Outgoing.objects.exists()


def test_a_cause_that_is_rolled_back_sends_nothing(committed):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outgoing.write("letter", "hello")
        raise ZeroDivisionError
    sweep.once(sweep.Breaker())

    assert letters == []


def test_the_sweep_sends_what_no_worker_did(written):
    written("hello")
    sweep.once(sweep.Breaker())

    assert len(letters) == 1


def test_two_workers_at_one_instant_are_one_attempt(committed, written):
    row = written("hello")
    at_once(*[lambda: outgoing.work(row.pk)] * 6)
    row.refresh_from_db()

    assert (len(letters), row.attempts, row.state) == (1, 1, "done")


def test_a_row_whose_worker_died_is_left_alone_until_its_lease_ends(written):
    row = written("hello")
    assert outgoing._lease(row.pk)  # and then nothing more
    outgoing.work(row.pk)
    assert letters == []

    work(row)
    assert letters == [("hello", row.key)]


def test_somebody_who_is_away_costs_no_attempt_and_stops_the_round(written):
    troubles["hello"] = gateway.ProviderAway("nobody home")
    row = written("hello")
    for _ in range(3):
        time_passes(row)
        breaker = sweep.Breaker()
        sweep.once(breaker)
        assert breaker.is_open
    row.refresh_from_db()

    assert (row.state, row.attempts) == ("waiting", 0)
    assert row.due_at > timezone.now()


def test_a_failure_is_written_down_and_tried_again_later_and_later_with_the_same_key(written):
    troubles["hello"] = ValueError("the letter box is stuck")
    row = written("hello")
    key, waits = row.key, []
    for _ in range(4):
        work(row)
        waits.append(round((row.due_at - timezone.now()).total_seconds()))

    assert waits == [2, 4, 8, 16]
    assert (row.state, row.key) == ("waiting", key)
    assert "letter box is stuck" in row.remark


def test_after_ten_failures_a_row_is_dead_and_somebody_is_told(written, caplog):
    caplog.set_level(logging.CRITICAL, "payments.outgoing")
    troubles["hello"] = ValueError("the letter box is stuck")
    row = written("hello")
    for _ in range(12):
        work(row)

    assert (row.state, row.attempts) == ("dead", 10)
    assert "letter hello is dead after 10 attempts" in caplog.text


def test_a_kind_that_this_version_cannot_send_is_kept_for_one_that_can(written):
    with transaction.atomic():
        row = outgoing.write("parcel", "hello")
    work(row)

    assert (row.state, row.attempts) == ("waiting", 1)


def test_a_key_that_the_provider_may_have_forgotten_is_looked_up_first(written):
    row = written("hello")
    assert not row.look_first
    row.first_tried_at = timezone.now() - timedelta(hours=22)
    assert not row.look_first
    row.first_tried_at = timezone.now() - timedelta(hours=24)

    assert row.look_first


def test_when_it_was_first_tried_is_kept_over_retries(written):
    troubles["hello"] = ValueError("the letter box is stuck")
    row = written("hello")
    work(row)
    first = row.first_tried_at
    work(row)

    assert row.first_tried_at == first


def test_every_kind_names_a_function(db):
    for name in outgoing.SENDERS.values():
        assert callable(outgoing.import_string(name))
