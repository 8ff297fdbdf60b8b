"""Alive, ready, and how much is waiting."""

import re
import socket
import time
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from payments import inbox, outgoing
from payments.models import Duty, Heartbeat, Outgoing, StripeEvent


@pytest.fixture
def sweeping(db):
    for name in ["sweep", "worker"]:
        Heartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now()})


def test_a_process_that_answers_is_alive_without_a_database(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"alive\n")
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_shop_with_everything_is_ready(client, sweeping):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "broker": "ok", "sweep": "ok", "worker": "ok", "given up": "ok"}


def test_a_shop_that_nobody_sweeps_is_not_ready_and_says_so(client, db):
    Heartbeat.objects.update_or_create(name="sweep", defaults={"at": timezone.now() - timedelta(seconds=16)})
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["sweep"] == "no sweep has run lately"
    assert answer.json()["database"] == answer.json()["broker"] == "ok"


def test_a_shop_without_a_worker_is_ready_and_says_that_it_is_missing(client, sweeping):
    Heartbeat.objects.filter(name="worker").update(at=timezone.now() - timedelta(seconds=76))
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["worker"] == "no worker has answered lately"


def test_a_shop_tells_how_much_was_given_up_and_why(client, sweeping):
    thing = {"object": "checkout.session", "id": "cs_test_1"}
    for number in range(3):
        inbox.store({"id": f"evt_{number}", "type": "checkout.session.completed", "data": {"object": thing}})
    StripeEvent.objects.exclude(pk="evt_0").update(state="dead", remark="ProviderRefused: No such session")
    with transaction.atomic():
        outgoing.write("letter", "hello")
    Outgoing.objects.update(state="dead", remark="KeyError: 'letter'")
    answer = client.get("/readyz")
    figures = client.get("/metrics").content.decode()

    assert answer.status_code == 200
    assert answer.json()["given up"] == "2 × checkout.session.completed (ProviderRefused), 1 × letter (KeyError)"
    event = 'coinshop_given_up{kind="checkout.session.completed",what="event",why="ProviderRefused"} 2.0'
    assert event in figures
    assert 'coinshop_given_up{kind="letter",what="request",why="KeyError"} 1.0' in figures


def test_when_each_duty_was_last_done_is_told(client, sweeping):
    Duty.objects.create(name="reconcile", done_at=timezone.now() - timedelta(days=2))
    (line,) = re.findall(r'coinshop_duty_age_seconds{duty="reconcile"} (\S+)', client.get("/metrics").content.decode())

    assert round(float(line), -2) == 172_800


def test_a_shop_whose_broker_is_away_is_not_ready_and_says_so(client, sweeping, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["broker"] != "ok"
    assert answer.json()["database"] == answer.json()["sweep"] == "ok"


def test_a_frozen_broker_does_not_hold_up_the_answer(client, sweeping, settings):
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{frozen.getsockname()[1]}/0"
        began = time.monotonic()
        answer = client.get("/readyz")

    assert time.monotonic() - began < 5
    assert answer.json()["broker"] != "ok"


def test_a_shop_without_a_database_is_not_ready_and_says_no_more_than_the_kind(client):
    # No database was asked for, so the test's own guard refuses it as a server that is away would.
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["database"] == "RuntimeError"
    assert answer.json()["broker"] == "ok"


def test_what_waits_is_counted(client, db):
    thing = {"object": "checkout.session", "id": "cs_test_1"}
    for number in range(3):
        inbox.store({"id": f"evt_{number}", "type": "x", "data": {"object": thing}})
    figures = client.get("/metrics").content.decode()

    assert "coinshop_events_waiting 3.0" in figures
    assert "coinshop_events_dead 0.0" in figures
    assert "coinshop_orders_open 0.0" in figures


@pytest.mark.parametrize("address", ["203.0.114.7", "8.8.8.8", "2a00:1450::1"])
def test_figures_are_for_addresses_inside_only(client, db, address):
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 404


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "fd00::1"])
def test_figures_are_there_for_addresses_inside(client, db, address):
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize("address", ["", "unknown", "10.0.0.1:5000"])
def test_an_address_that_is_none_sees_no_figures(client, db, address):
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_is_only_read(client, db, path):
    assert client.post(path).status_code == 405
