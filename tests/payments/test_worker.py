"""A real worker, told through a real broker; and what becomes of its work when it is killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from conftest import ROOT
from django.utils import timezone

from payments import inbox, sweep
from payments.models import StripeEvent
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
    """`celery worker` with one child, as an operator starts it."""
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
    began = time.monotonic()
    assert deliver(event_about(order)).status_code == 200
    until(lambda: ledger.balances(alice.pk).coins)

    assert time.monotonic() - began < 5
    assert ledger.balances(alice.pk).coins == 350
    assert until(lambda: StripeEvent.objects.get().state == "done")


def test_what_a_killed_worker_left_half_done_the_sweep_finishes_once(
    committed, worker, sandbox, alice, order, opened, event_about, deliver
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
