"""What comes to the webhook: verified, stored and answered, and nothing else can fail it."""

import json
import logging
import socket
import time

import pytest
from conftest import at_once
from django.test import Client

from payments import inbox, nudge
from payments.models import StripeEvent
from payments.tasks import work_event
from wallet import ledger


@pytest.fixture
def event(order, event_about):
    return event_about(order)


def stored():
    return StripeEvent.objects.count()


def test_a_signed_event_is_stored_and_answered(event, deliver):
    answer = deliver(event)
    row = StripeEvent.objects.get()

    assert answer.status_code == 200
    assert (row.pk, row.type, row.state, row.attempts) == (event["id"], event["type"], "received", 0)
    assert row.payload == event


def test_the_same_event_again_is_answered_and_stored_once(alice, event, deliver):
    for _ in range(3):
        assert deliver(event).status_code == 200
        inbox.work(event["id"])

    assert stored() == 1
    assert ledger.balances(alice.pk).coins == 350


def test_an_event_signed_for_an_old_and_a_new_secret_is_taken(event, deliver, signature):
    body = json.dumps(event).encode()
    good = signature(body)
    old = signature(body, secret="whsec_of_yesterday").split("v1=")[1]

    assert deliver(body, header=f"{good},v1={old}").status_code == 200
    assert deliver(body, header=good.replace("v1=", f"v1={old},v1=")).status_code == 200
    assert stored() == 1


@pytest.mark.parametrize("off_s", [-290, 5, 300])
def test_a_clock_that_is_minutes_off_loses_no_event(event, deliver, off_s):
    assert deliver(event, at=time.time() + off_s).status_code == 200


def nested(depth):
    return {"deep": nested(depth - 1)} if depth else {}


UNUSUAL = {
    "a field given twice": lambda event: json.dumps(event).replace("{", '{"id": "evt_first", ', 1).encode(),
    "another version": lambda event: json.dumps(event | {"api_version": "2031-01-01.lapras"}).encode(),
    "no version": lambda event: json.dumps(event | {"api_version": None}).encode(),
    "a version that is a list": lambda event: json.dumps(event | {"api_version": ["2031"]}).encode(),
    "a very long type": lambda event: json.dumps(event | {"type": "t" * 255}).encode(),
    "an account connected to ours": lambda event: json.dumps(event | {"account": "acct_1"}).encode(),
    "a session whose id is a number": lambda event: json.dumps(
        event | {"data": {"object": {"object": "checkout.session", "id": 5}}}
    ).encode(),
    "a session without anything": lambda event: json.dumps(
        event | {"data": {"object": {"object": "checkout.session", "id": "cs_1", "payment_status": "paid"}}}
    ).encode(),
    "a deep thing": lambda event: json.dumps(event | {"more": nested(200)}).encode(),
    "a number of 4,000 digits": lambda event: json.dumps(event | {"more": 10**4000}).encode(),
    "all of Unicode": lambda event: json.dumps(event | {"more": "é😀\u202e\x01"}, ensure_ascii=False).encode(),
}


@pytest.mark.parametrize("body", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_a_signed_event_is_taken_once_however_unusual_it_is(sandbox, event, deliver, body):
    for _ in range(2):
        assert deliver(body(event)).status_code == 200
    row = StripeEvent.objects.get()
    inbox.work(row.pk)

    assert StripeEvent.objects.get().attempts == 1


def test_one_event_posted_by_two_endpoints_at_one_instant_settles_once(committed, alice, event, deliver):
    answers = at_once(*[lambda: deliver(event)] * 6)
    at_once(*[lambda: inbox.work(event["id"])] * 3)

    assert {answer.status_code for answer in answers} == {200}
    assert stored() == 1
    assert ledger.balances(alice.pk).coins == 350


# Refused -------------------------------------------------------------------------------------------------------------


def refused(answer):
    assert answer.status_code == 400
    assert stored() == 0
    return True


def test_a_wrong_secret_is_refused(event, deliver):
    assert refused(deliver(event, secret="whsec_of_somebody_else"))


def test_one_changed_byte_is_refused(event, deliver, signature):
    body = json.dumps(event).encode()

    assert refused(deliver(body.replace(b'"amount_total": 415', b'"amount_total": 416'), header=signature(body)))


def test_an_event_written_anew_is_refused(event, deliver, signature):
    body = json.dumps(event, indent=2).encode()

    assert refused(deliver(json.dumps(event).encode(), header=signature(body)))


def test_a_signature_of_more_than_five_minutes_ago_is_refused(event, deliver):
    assert refused(deliver(event, at=time.time() - 301))


def test_no_word_of_an_event_and_no_secret_is_logged_when_it_is_refused(event, deliver, caplog, settings):
    caplog.set_level(logging.DEBUG)
    refused(deliver(event, secret="whsec_of_somebody_else"))

    for unsaid in [event["id"], event["data"]["object"]["id"], settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_API_KEY]:
        assert unsaid not in caplog.text


HEADERS = [
    "",
    "t=1",
    "v1=00",
    "t=,v1=",
    "t=x,v1=00",
    "t=1,v1=é",
    "t=1,v1=\udcff",
    "¡hola!",
    "=" * 50,
    "t=1,v1=" + "0" * 10_000,
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_what_is_no_signature_is_refused(event, deliver, header):
    body = json.dumps(event).encode()
    # As a server hands on the bytes of a header.
    answer = Client().post(
        "/webhooks/stripe/",
        body,
        "application/json",
        HTTP_STRIPE_SIGNATURE=header.encode("utf-8", "surrogateescape").decode("latin1"),
    )

    assert refused(answer)


def test_no_header_at_all_is_refused(event):
    assert refused(Client().post("/webhooks/stripe/", json.dumps(event), "application/json"))


def test_a_signature_of_an_older_scheme_is_refused(event, deliver):
    assert refused(deliver(event, scheme="v0"))


NOT_EVENTS = {
    "nothing": b"",
    "a list": b"[]",
    "a string": b'"event"',
    "null": b"null",
    "a number": b"1",
    "a number of 10,000 digits": b"1" * 10_000,
    "no JSON": b"{",
    "no UTF-8": b'{"id": "\xff"}',
    "a deep nest": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "10,000 deep": b'{"object": "event", "id": "evt_1", "type": "x", "data": {"object": %s%s}}'
    % (b'{"a":' * 10_000 + b"1", b"}" * 10_000),
    "deep lists": b"[" * 100_000,
    "a thin event": b'{"object": "v2.core.event", "id": "evt_1", "type": "v1.checkout.session.completed", "data": {}}',
    "no id": b'{"object": "event", "type": "x", "data": {"object": {}}}',
    "an id that is a number": b'{"object": "event", "id": 1, "type": "x", "data": {"object": {}}}',
    "an empty id": b'{"object": "event", "id": "", "type": "x", "data": {"object": {}}}',
    "a very long id": b'{"object": "event", "id": "%s", "type": "x", "data": {"object": {}}}' % (b"e" * 300),
    "no type": b'{"object": "event", "id": "evt_1", "data": {"object": {}}}',
    "no data": b'{"object": "event", "id": "evt_1", "type": "x"}',
    "data without a thing": b'{"object": "event", "id": "evt_1", "type": "x", "data": {"object": null}}',
    "another thing": b'{"object": "charge", "id": "evt_1", "type": "x", "data": {"object": {}}}',
    "a NUL no database keeps": b'{"object": "event", "id": "evt_1", "type": "x", "data": {"object": {"a": "\\u0000"}}}',
    "a NUL in the id": b'{"object": "event", "id": "evt_\\u0000", "type": "x", "data": {"object": {}}}',
    "half a character": b'{"object": "event", "id": "evt_1", "type": "x", "data": {"object": {"a": "\\ud800"}}}',
    "no number": b'{"object": "event", "id": "evt_1", "type": "x", "data": {"object": {"a": NaN}}}',
    "a number without end": b'{"object": "event", "id": "evt_1", "type": "x", "data": {"object": {"a": 1e999}}}',
    "5 MB": b'{"object": "event", "id": "evt_1", "type": "x", "data": {"object": {"a": "%s"}}}' % (b"x" * 5_000_000),
    "300 KB": b'{"object": "event", "id": "evt_1", "type": "x", "data": {"object": {"a": "%s"}}}' % (b"x" * 300_000),
}


@pytest.mark.parametrize("body", NOT_EVENTS.values(), ids=NOT_EVENTS.keys())
def test_what_is_signed_but_no_event_is_refused(db, deliver, body):
    assert refused(deliver(body))


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_only_a_post_is_listened_to(db, method):
    assert getattr(Client(), method)("/webhooks/stripe/").status_code == 405


# Not ours, or not of interest ----------------------------------------------------------------------------------------

STRANGE = {
    "a type we do not know": {"type": "invoice.paid"},
    "a type that nobody knows yet": {"type": "checkout.session.pondered"},
    "another shop's order": {"client_reference_id": "5", "metadata": {}},
    "an order that is not there": {"client_reference_id": "00000000-0000-4000-8000-000000000000"},
    "no order at all": {"client_reference_id": None, "metadata": None},
    "no session": {"object": "charge"},
}


@pytest.mark.parametrize("difference", STRANGE.values(), ids=STRANGE.keys())
def test_what_is_not_ours_is_taken_and_ignored_with_a_remark(alice, order, event_about, deliver, difference):
    event = event_about(order, **difference)
    answer = deliver(event)
    inbox.work(event["id"])
    row = StripeEvent.objects.get()

    assert answer.status_code == 200
    assert row.state == "ignored"
    assert row.remark
    assert ledger.balances(alice.pk).coins == 0


OTHER_SHOPS = {
    "of real money": ({"livemode": True}, "real money in a test shop"),
    "of an account connected to ours": ({"account": "acct_1"}, "connected to ours"),
}


@pytest.mark.parametrize(("difference", "remark"), OTHER_SHOPS.values(), ids=OTHER_SHOPS.keys())
def test_an_event_of_another_shop_is_taken_and_ignored_though_it_names_our_order(
    alice, event, deliver, difference, remark
):
    assert deliver(event | difference).status_code == 200
    inbox.work(event["id"])
    row = StripeEvent.objects.get()

    assert row.state == "ignored"
    assert remark in row.remark
    assert ledger.balances(alice.pk).coins == 0


def test_a_test_event_in_a_shop_that_takes_real_money_is_taken_and_ignored(alice, event, deliver, settings):
    settings.STRIPE_API_KEY = "sk_live_x"
    assert deliver(event).status_code == 200
    inbox.work(event["id"])

    assert StripeEvent.objects.get().state == "ignored"
    assert ledger.balances(alice.pk).coins == 0


# A broker that is away -----------------------------------------------------------------------------------------------


@pytest.fixture
def broker_at(monkeypatch):
    """Send the worker's tasks to another address, for a while."""

    def point(port):
        monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{port}/0")
        work_event.app._after_fork()  # forgets the connections it has

    yield point
    monkeypatch.undo()
    work_event.app._after_fork()
    everything_was_told_or_forgotten()  # a message under way would hold up those of other tests


def everything_was_told_or_forgotten(limit_s=20.0):
    deadline = time.monotonic() + limit_s
    while nudge._waiting.unfinished_tasks:
        assert time.monotonic() < deadline, "somebody still tries to tell the broker"
        time.sleep(0.01)


def answers_at_once(deliver, events):
    began = time.monotonic()
    answers = [deliver(event).status_code for event in events]
    took = time.monotonic() - began

    assert answers == [200] * len(events)
    assert stored() == len(events)
    return took < 1.0 * len(events)


def test_without_a_broker_the_event_is_stored_and_answered_all_the_same(order, event_about, deliver, broker_at, caplog):
    caplog.set_level(logging.WARNING, "payments.nudge")
    broker_at(9)

    assert answers_at_once(deliver, [event_about(order) for _ in range(3)])


def test_what_a_broker_that_is_away_was_not_told_is_forgotten_and_holds_up_nothing(
    order, event_about, deliver, broker_at
):
    broker_at(9)
    for _ in range(20):
        deliver(event_about(order))

    everything_was_told_or_forgotten()  # six seconds for each of them, as kombu has it, would be two minutes


def test_a_frozen_broker_holds_nobody_up(order, event_about, deliver, broker_at):
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # takes connections and never says a word
        broker_at(frozen.getsockname()[1])

        assert answers_at_once(deliver, [event_about(order) for _ in range(10)])
