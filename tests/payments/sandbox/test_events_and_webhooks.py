"""What happened, told once at least, in any order, signed."""

from __future__ import annotations

import json
import time

import pytest
import stripe

SECRET = "whsec_the_shop_and_the_sandbox_know_it"
STORY = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
EVENT_FIELDS = "id object api_version created data livemode pending_webhooks request type"
# The fields that Stripe's description requires, and the nullable ones that it always sends.
INTENT_FIELDS = """
    id object amount amount_capturable amount_details amount_received application application_fee_amount
    automatic_payment_methods canceled_at cancellation_reason capture_method client_secret confirmation_method created
    currency customer customer_account description excluded_payment_method_types last_payment_error latest_charge
    livemode metadata next_action on_behalf_of payment_method payment_method_configuration_details
    payment_method_options payment_method_types processing receipt_email review setup_future_usage shipping source
    statement_descriptor statement_descriptor_suffix status transfer_data transfer_group
"""
CHARGE_FIELDS = """
    id object amount amount_captured amount_refunded application application_fee application_fee_amount
    balance_transaction billing_details calculated_statement_descriptor captured created currency customer description
    destination dispute disputed failure_balance_transaction failure_code failure_message fraud_details livemode
    metadata on_behalf_of order outcome paid payment_intent payment_method payment_method_details radar_options
    receipt_email receipt_number receipt_url refunded review shipping source source_transfer statement_descriptor
    statement_descriptor_suffix status transfer_data transfer_group
"""


def test_a_steady_payment_is_told_in_order_and_once(with_shop, shop):
    session = with_shop.open_session()
    with_shop.pay(session)

    events = shop.receive(4)

    assert [event.type for event in events] == STORY
    assert shop.hears_nothing_for(0.3)


def test_an_event_carries_a_complete_snapshot(with_shop, shop):
    session = with_shop.open_session()
    with_shop.pay(session)

    created, charged, succeeded, completed = shop.receive(4)

    assert set(completed.to_dict()) == set(EVENT_FIELDS.split())
    assert (completed.livemode, completed.api_version) == (False, "2026-10-28.endive")
    assert completed.request.to_dict() == {"id": None, "idempotency_key": None}
    assert completed.data.object.id == session.id
    assert (completed.data.object.payment_status, completed.data.object.amount_total) == ("paid", 1675)
    assert set(created.data.object.to_dict()) == set(succeeded.data.object.to_dict()) == set(INTENT_FIELDS.split())
    assert created.data.object.status == "requires_payment_method"
    assert set(charged.data.object.to_dict()) == set(CHARGE_FIELDS.split())


def test_a_delivery_looks_like_one_of_stripes(with_shop, shop):
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)
    shop.receive(1)

    headers, body, _ = shop.requests[0]

    assert headers["User-Agent"] == "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert body.startswith(b'{\n  "id": "evt_')
    assert json.loads(body)["pending_webhooks"] == 1


def test_an_event_names_the_request_that_caused_it(with_shop, shop):
    session = with_shop.open_session()

    expired = with_shop.v1.checkout.sessions.expire(session.id, options={"idempotency_key": "give-up"})

    (event,) = shop.receive(1)
    assert event.request.idempotency_key == "give-up"
    assert event.request.id == expired.last_response.request_id


def test_an_event_is_frozen_when_it_happens(sandbox):
    session = sandbox.open_session()
    sandbox.pay(session, "4000 0000 0000 0002")
    sandbox.pay(session)

    failed = sandbox.v1.events.list(params={"type": "payment_intent.payment_failed", "limit": 1}).data[0]

    assert failed.data.object.status == "requires_payment_method"
    assert sandbox.v1.payment_intents.retrieve(failed.data.object.id).status == "succeeded"
    assert sandbox.v1.events.retrieve(failed.id).data.to_dict() == failed.data.to_dict()


def test_text_beyond_ascii_arrives_as_itself(with_shop, shop):
    with_shop.v1.checkout.sessions.expire(with_shop.open_session(metadata={"an": "مبدعة ★"}).id)

    (event,) = shop.receive(1)

    assert event.data.object.metadata["an"] == "مبدعة ★"
    assert "مبدعة ★".encode() in shop.requests[0][1]


def test_a_webhook_that_fails_is_tried_again_with_a_fresh_signature(with_shop, shop):
    shop.statuses = [500]
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)

    (event,) = shop.receive(1)

    (first, body, began), (second, again, ended) = shop.requests
    assert json.loads(body)["id"] == json.loads(again)["id"] == event.id
    assert ended - began >= 0.9
    assert _moment(second) > _moment(first)
    assert _eventually(lambda: with_shop.v1.events.retrieve(event.id).pending_webhooks == 0)


def _moment(headers):
    return int(headers["Stripe-Signature"].split(",")[0].removeprefix("t="))


def test_a_redirect_is_a_failure_and_is_not_followed(with_shop, shop):
    shop.statuses = [302]
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)

    assert shop.hears_nothing_for(0.4)
    assert len(shop.requests) == 1
    (event,) = with_shop.v1.events.list(params={"delivery_success": False}).data
    assert event.pending_webhooks == 1


def test_a_sandbox_that_was_killed_delivers_after_its_restart(with_shop, shop):
    with_shop.turn(webhooks="hold")
    session = with_shop.open_session()
    with_shop.pay(session)
    with_shop.kill()

    with_shop.start()

    assert [event.type for event in shop.receive(4)] == STORY
    assert with_shop.v1.checkout.sessions.retrieve(session.id).status == "complete"


def test_by_default_events_are_shuffled_and_doubled(start_sandbox, shop):
    sandbox = start_sandbox("--webhook", f"{shop.url}={SECRET}")
    for session in [sandbox.open_session() for _ in range(10)]:
        sandbox.pay(session)

    assert _eventually(lambda: "pending" not in sandbox.state()["deliveries"])

    events = shop.receive(shop.inbox.qsize())
    assert len({event.id for event in events}) == 40
    assert len(events) > 40  # by chance once in 7,500 runs not
    assert [event.type for event in events[:4]] != STORY or [event.type for event in events[4:8]] != STORY


def _eventually(claim, timeout=5):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if claim():
            return True
        time.sleep(0.03)
    return False


def test_events_are_found_by_type_and_time_from_either_end(start_sandbox):
    sandbox = start_sandbox()
    first, second = sandbox.open_session(), sandbox.open_session()
    sandbox.pay(first)
    sandbox.v1.checkout.sessions.expire(second.id)

    def found(**params):
        return [event.type for event in sandbox.v1.events.list(params=params).data]

    everything = sandbox.v1.events.list().data
    assert [event.type for event in everything] == ["checkout.session.expired", *STORY[::-1]]
    assert found(type="charge.succeeded") == ["charge.succeeded"]
    assert found(types=["charge.succeeded", "checkout.session.expired"]) == [
        "checkout.session.expired",
        "charge.succeeded",
    ]
    assert found(type="checkout.*") == ["checkout.session.expired", "checkout.session.completed"]
    assert found(created={"gte": first.created}, limit=1) == ["checkout.session.expired"]
    assert found(delivery_success=False) == []
    oldest_first = sandbox.v1.events.list(params={"ending_before": everything[-1].id}).auto_paging_iter()
    assert [event.type for event in oldest_first] == [*STORY[1:], "checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError):
        found(types=["charge.succeeded"] * 21)


def test_an_endpoint_made_by_the_api_shows_its_secret_once_and_hears_what_it_asked_for(start_sandbox, shop):
    sandbox = start_sandbox("--steady")
    params = {"url": shop.url, "enabled_events": ["checkout.session.completed"], "api_version": "2026-10-28.endive"}

    made = sandbox.v1.webhook_endpoints.create(params=params)
    shop.opened = lambda body, headers: sandbox.client().construct_event(body, headers["Stripe-Signature"], made.secret)
    sandbox.pay(sandbox.open_session())

    assert [event.type for event in shop.receive(1)] == ["checkout.session.completed"]
    assert shop.hears_nothing_for(0.2)
    assert made.secret.startswith("whsec_")
    assert "secret" not in sandbox.v1.webhook_endpoints.retrieve(made.id)
    assert "secret" not in sandbox.v1.webhook_endpoints.list().data[0]


def test_an_endpoint_on_another_version_is_told_in_that_version(start_sandbox, shop):
    sandbox = start_sandbox("--steady", "--webhook", f"{shop.url}={SECRET}")
    (endpoint,) = sandbox.v1.webhook_endpoints.list().data
    sandbox.v1.webhook_endpoints.delete(endpoint.id)
    params = {"url": shop.url, "enabled_events": ["*"], "api_version": "2024-06-20"}
    secret = sandbox.v1.webhook_endpoints.create(params=params).secret
    shop.opened = lambda body, headers: sandbox.client().construct_event(body, headers["Stripe-Signature"], secret)

    sandbox.v1.checkout.sessions.expire(sandbox.open_session().id)

    (event,) = shop.receive(1)
    assert event.api_version == "2024-06-20"


def test_an_endpoint_that_is_deleted_or_disabled_hears_nothing(with_shop, shop):
    (endpoint,) = with_shop.v1.webhook_endpoints.list().data
    with_shop.v1.webhook_endpoints.update(endpoint.id, params={"disabled": True})
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)
    assert with_shop.v1.webhook_endpoints.delete(endpoint.id).deleted is True
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)

    assert shop.hears_nothing_for(0.3)


def test_an_endpoint_needs_an_address_and_something_to_hear(sandbox):
    for params, code in [
        ({"enabled_events": ["*"]}, "parameter_missing"),
        ({"url": "http://127.0.0.1:9/"}, "parameter_missing"),
        ({"url": "nowhere", "enabled_events": ["*"]}, "url_invalid"),
    ]:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.v1.webhook_endpoints.create(params=params)
        assert refusal.value.code == code
