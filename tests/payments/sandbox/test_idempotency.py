"""A key names one attempt."""

from __future__ import annotations

import threading
import urllib.parse

import pytest
import stripe


def _create(sandbox, params, key, **options):
    return sandbox.client(**options).v1.checkout.sessions.create(params=params, options={"idempotency_key": key})


def test_a_repeated_key_repeats_the_first_answer(sandbox, order):
    params = order()

    first = _create(sandbox, params, "order-1")
    again = _create(sandbox, params, "order-1")

    assert again.to_dict() == first.to_dict()
    headers = again.last_response.headers
    assert (headers["Idempotent-Replayed"], headers["Idempotency-Key"]) == ("true", "order-1")
    assert headers["Original-Request"] == first.last_response.request_id != again.last_response.request_id
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_a_replay_is_the_first_answer_even_if_the_session_moved_on(sandbox, order):
    params = order()
    first = _create(sandbox, params, "moved-on")
    sandbox.pay(first)

    assert _create(sandbox, params, "moved-on").status == "open"


def test_a_key_cannot_be_used_for_something_else(sandbox, order):
    _create(sandbox, order(), "order-2")

    with pytest.raises(stripe.IdempotencyError) as refusal:
        _create(sandbox, order(unit_amount=999), "order-2")

    assert refusal.value.http_status == 400


def test_a_refused_request_does_not_use_up_its_key(sandbox, order):
    with pytest.raises(stripe.InvalidRequestError):
        _create(sandbox, order(unit_amount=0), "order-3")

    assert _create(sandbox, order(), "order-3").status == "open"


def test_a_refusal_that_came_from_acting_is_remembered(sandbox):
    session = sandbox.open_session()
    sandbox.pay(session)

    def expire():
        options = {"idempotency_key": f"expire-{session.id}"}
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.v1.checkout.sessions.expire(session.id, options=options)
        return refusal.value

    assert "Idempotent-Replayed" not in expire().headers
    assert expire().headers["Idempotent-Replayed"] == "true"


def test_a_key_is_new_again_after_a_day(start_sandbox, order):
    sandbox, params = start_sandbox(), order()
    first = _create(sandbox, params, "yesterday")

    sandbox.advance(86401)

    assert _create(sandbox, params, "yesterday").id != first.id


def test_a_second_request_while_the_first_runs_is_told_to_come_back(start_sandbox, order):
    sandbox, params = start_sandbox(), order()
    sandbox.turn(api_delay_ms=400)
    outcomes, start = [], threading.Barrier(6)

    def race():
        start.wait()
        try:
            outcomes.append(_create(sandbox, params, "race").id)
        except stripe.StripeError as refusal:
            code = refusal.json_body["error"]["code"]
            outcomes.append((refusal.http_status, code, refusal.headers["Stripe-Should-Retry"]))

    _run(race, 6)

    refused = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
    assert set(refused) == {(409, "idempotency_key_in_use", "true")}
    assert len(outcomes) - len(refused) >= 1
    assert len(sandbox.v1.checkout.sessions.list().data) == 1


def test_clients_that_retry_all_get_the_one_session(start_sandbox, order):
    sandbox, params = start_sandbox(), order()
    ids = []

    _run(lambda: ids.append(_create(sandbox, params, "retry", max_network_retries=5).id), 6)

    assert len(ids) == 6
    assert len(set(ids)) == 1


def _run(work, times):
    threads = [threading.Thread(target=work) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_order_of_parameters_does_not_make_another_request(sandbox, visit):
    pairs = [("url", "http://127.0.0.1:9/"), ("enabled_events[0]", "charge.failed")]
    headers = {"Authorization": "Bearer sk_test_x", "Idempotency-Key": "any-order"}

    def post(form):
        url = f"{sandbox.url}/v1/webhook_endpoints"
        return visit(url, urllib.parse.parse_qsl(urllib.parse.urlencode(form)), headers)

    first, again = post(pairs), post(pairs[::-1])

    assert (first.status, first.text) == (again.status, again.text) == (200, first.text)
