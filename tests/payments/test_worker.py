"""A real worker, told through a real broker; and what becomes of its work when it is killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from conftest import ROOT
from django.db import connection
from django.utils import timezone

from coinshop.celery import app
from payments import inbox, sweep
from payments.models import Duty, Heartbeat, StripeEvent
from wallet import ledger
from wallet.ledger import TransferKind
from wallet.models import Transfer


def until(is_so, limit_s=20.0):
    deadline = time.monotonic() + limit_s
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def worker(sandbox_process):
    """`celery worker` with one child, as an operator starts it; what other tests have asked of it is forgotten."""
    app.control.purge()
    process = subprocess.Popen(
        [
            *[sys.executable, "-m", "celery", "-A", "coinshop", "--quiet", "worker", "-c", "1", "--loglevel=INFO"],
            *["--without-gossip", "--without-mingle", "--", "worker_soft_shutdown_timeout=0.1"],
        ],
        cwd=ROOT,
        env=os.environ | {"STRIPE_API_BASE": sandbox_process.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for line in process.stdout:
        if "ready." in line:
            break
    yield process
    process.send_signal(signal.SIGQUIT)
    process.communicate(timeout=20)


def child_of(process):
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    )
    return int(children.stdout.split()[0])


def test_a_worker_settles_a_stored_event_within_seconds(committed, worker, alice, order, event_about, deliver):
    assert deliver(event_about(order)).status_code == 200
    until(lambda: ledger.balances(alice.pk).coins, limit_s=5)

    assert ledger.balances(alice.pk).coins == 350
    assert until(lambda: StripeEvent.objects.get().state == "done")


def test_a_worker_whose_connections_were_cut_takes_the_next_event_all_the_same(
    committed, worker, alice, order_of, event_about, deliver
):
    first, second = order_of(alice, 350), order_of(alice, 700)
    deliver(event_about(first))
    until(lambda: ledger.balances(alice.pk).coins == 350)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()"""
        )
        assert cursor.fetchone()[0] > 0
    deliver(event_about(second))

    until(lambda: ledger.balances(alice.pk).coins == 1050)


def test_what_a_killed_worker_left_half_done_the_sweep_finishes_once(
    committed, worker, sandbox, rested, alice, order, opened, event_about, deliver
):
    opened(order)
    sandbox.pay(order.checkout_url)
    event = event_about(order) | {"api_version": "2019-01-01"}  # so the provider has to be asked, which takes a while
    sandbox.turn(api_delay_ms="5000")
    deliver(event)
    until(lambda: StripeEvent.objects.get().attempts == 1)
    os.kill(child_of(worker), signal.SIGKILL)
    sandbox.turn(api_delay_ms="0")
    assert ledger.balances(alice.pk).coins == 0

    StripeEvent.objects.update(due_at=timezone.now() - timedelta(minutes=1))  # its lease is over
    sweep.once(sweep.Breaker())
    assert ledger.balances(alice.pk).coins == 350
    assert StripeEvent.objects.get().state == "done"
    inbox.work(event["id"])
    assert Transfer.objects.filter(kind=TransferKind.SALE).count() == 1


def test_a_worker_says_that_it_is_there_when_the_sweep_asks(committed, worker, rested):
    Duty.objects.filter(pk="ask the worker").update(due_at=timezone.now())
    sweep.do_duties()

    assert until(lambda: Heartbeat.objects.filter(name="worker").exists())


@pytest.fixture
def sweeping_alone(committed, sandbox, monkeypatch):
    """`manage.py sweep`, as an operator starts it, in a shop whose broker is gone; nobody works for it either."""
    nowhere = {"REDIS_URL": "redis://127.0.0.1:9/0", "BROKER_URL": "redis://127.0.0.1:9/0"}
    monkeypatch.setattr("payments.views.webhook.nudge", lambda *_: None)  # nobody would hear it
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sweep"],
        cwd=ROOT,
        env=os.environ | nowhere | {"STRIPE_API_BASE": sandbox.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "sweep is running" in line:
            break
    yield
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:  # left alone it would go on working among the tests to come
        process.kill()
        process.wait()


def test_with_no_worker_and_no_broker_an_order_settles_within_seconds_and_what_is_missing_is_named(
    sweeping_alone, alice, order, event_about, deliver, client, settings
):
    assert deliver(event_about(order)).status_code == 200
    until(lambda: ledger.balances(alice.pk).coins, limit_s=5)

    assert ledger.balances(alice.pk).coins == 350
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    states = client.get("/readyz").json()
    assert (states["database"], states["sweep"], states["worker"]) == ("ok", "ok", "no worker has answered lately")
    assert states["broker"] not in ("", "ok")


def test_a_provider_that_hangs_while_the_sweep_has_duties_makes_no_coin_late(
    committed, sandbox, request, alice, order, event_about, deliver
):
    sandbox.turn(api_delay_ms="7000")
    request.getfixturevalue("sweeping_alone")
    assert deliver(event_about(order)).status_code == 200
    until(lambda: ledger.balances(alice.pk).coins, limit_s=5)

    assert not Duty.objects.filter(name="reconcile", done_at__isnull=False).exists()  # it still hangs
