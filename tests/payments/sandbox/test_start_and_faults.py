"""How it starts, how it stops, and how it breaks on purpose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stripe

ROOT = Path(__file__).parents[3]


def _command(tmp_path, *arguments):
    return [sys.executable, "-m", "payments.sandbox", "--port", "0", "--data", str(tmp_path), *arguments]


@pytest.mark.parametrize("name", ["STRIPE_API_KEY", "STRIPE_SECRET_KEY", "ANYTHING"])
@pytest.mark.parametrize("key", ["sk_live_real", "rk_live_real"])
def test_it_does_not_start_beside_a_live_key(tmp_path, name, key):
    environment = {**os.environ, name: key}

    ended = subprocess.run(_command(tmp_path), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=10)

    assert ended.returncode == 1
    assert f"does not start beside a live Stripe key: {name}." in ended.stderr
    assert key not in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_finds_a_free_port_and_ends_promptly_when_told(tmp_path, visit, number):
    process = subprocess.Popen(_command(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    url = process.stdout.readline().removeprefix("sandbox is ready: ").strip()
    assert visit(f"{url}_sandbox/health").text == "ok"

    process.send_signal(number)
    began = time.monotonic()

    assert process.wait(timeout=5) == 0
    assert time.monotonic() - began < 1
    process.stdout.close()


def test_it_keeps_its_state_when_killed(start_sandbox):
    sandbox = start_sandbox()
    session = sandbox.open_session()

    sandbox.kill()
    sandbox.start()

    assert sandbox.v1.checkout.sessions.retrieve(session.id).to_dict() == session.to_dict()


def test_its_pages_live_where_browsers_can_reach_them(start_sandbox):
    sandbox = start_sandbox("--public-url", "https://pay.example/")

    session = sandbox.open_session()

    assert session.url == f"https://pay.example/c/pay/{session.id}"


def test_the_environment_can_name_the_shop(tmp_path, shop):
    environment = {**os.environ, "SANDBOX_WEBHOOK_URL": shop.url, "STRIPE_WEBHOOK_SECRET": "whsec_x"}
    process = subprocess.Popen(_command(tmp_path), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    url = process.stdout.readline().split()[-1].rstrip("/")

    endpoints = stripe.StripeClient("sk_test_x", base_addresses={"api": url}).v1.webhook_endpoints.list().data

    assert [(endpoint.url, endpoint.enabled_events) for endpoint in endpoints] == [(shop.url, ["*"])]
    process.kill()
    process.wait()
    process.stdout.close()


def test_an_outage_answers_503_until_it_is_over(start_sandbox, visit):
    sandbox = start_sandbox()
    session = sandbox.open_session()
    sandbox.turn(api="down")

    with pytest.raises(stripe.APIError) as outage:
        sandbox.v1.checkout.sessions.retrieve(session.id)

    assert (outage.value.http_status, outage.value.headers["Stripe-Should-Retry"]) == (503, "true")
    assert visit(f"{sandbox.url}/_sandbox/health").status == 200
    sandbox.turn(api="up")
    assert sandbox.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_held_webhooks_arrive_when_released(with_shop, shop):
    with_shop.turn(webhooks="hold")
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)
    assert shop.hears_nothing_for(0.3)

    with_shop.turn(release=1)

    assert [event.type for event in shop.receive(1)] == ["checkout.session.expired"]


def test_dropped_webhooks_never_arrive_but_can_be_looked_up(with_shop, shop):
    with_shop.turn(webhooks="drop")
    lost = with_shop.open_session()
    with_shop.v1.checkout.sessions.expire(lost.id)
    with_shop.turn(webhooks="normal")

    assert shop.hears_nothing_for(0.3)
    (event,) = with_shop.v1.events.list(params={"delivery_success": False}).data
    assert event.data.object.id == lost.id


@pytest.mark.parametrize("knobs", [{}, {"webhooks": "sideways"}, {"api": "maybe"}, {"colour": "red"}])
def test_an_unknown_fault_is_refused(sandbox, knobs):
    assert sandbox.turn(**knobs).status == 400


def test_time_moves_forward_only(sandbox, visit):
    assert visit(f"{sandbox.url}/_sandbox/clock", {"advance_s": "-1"}).status == 400


def test_money_on_its_way_arrives_after_two_days(start_sandbox):
    sandbox = start_sandbox()
    sandbox.pay(sandbox.open_session())
    (charge,) = sandbox.v1.charges.list().data

    sandbox.advance(2 * 86400 + 1)

    assert sandbox.v1.balance_transactions.retrieve(charge.balance_transaction).status == "available"


def test_a_body_that_is_no_form_is_refused_politely(sandbox, visit):
    headers = {"Authorization": "Bearer sk_test_x"}

    for form in ({"a[b": "1"}, {"mode": "payment", "mode[x]": "1"}, {"metadata": "x"}):
        assert visit(f"{sandbox.url}/v1/checkout/sessions", form, headers).status == 400
