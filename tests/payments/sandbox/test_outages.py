"""The API breaks in every way that a network knows, before or after it did its work."""

from __future__ import annotations

import json
import time
import urllib.request

import pytest
import stripe


def _refund(sandbox, charge, **options):
    client = sandbox.client(**options)
    return client.v1.refunds.create(params={"charge": charge.id, "amount": 500}, options={"idempotency_key": charge.id})


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("500", stripe.APIError, 500),
        ("503", stripe.APIError, 503),
        ("429", stripe.RateLimitError, 429),
        ("reset", stripe.APIConnectionError, None),
    ],
)
def test_so_many_calls_fail_and_then_it_works(start_sandbox, kind, error, status):
    sandbox = start_sandbox("--steady")
    sandbox.happen("outages", kind=kind, calls=2)

    for _ in range(2):
        with pytest.raises(error) as outage:
            sandbox.v1.checkout.sessions.list()
        assert outage.value.http_status == status

    assert sandbox.v1.checkout.sessions.list().data == []
    assert sandbox.state()["outages"] == []


def test_a_client_waits_in_vain_for_an_answer(start_sandbox):
    sandbox = start_sandbox("--steady")
    sandbox.happen("outages", kind="timeout", calls=1)
    impatient = sandbox.client(http_client=stripe.RequestsClient(timeout=0.3))

    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.checkout.sessions.list()

    assert impatient.v1.checkout.sessions.list().data == []


def test_only_what_was_named_is_broken_until_somebody_repairs_it(start_sandbox):
    sandbox = start_sandbox("--steady")
    charge = sandbox.paid_charge()
    sandbox.happen("outages", kind="500", path="/v1/refunds", seconds=600)

    assert sandbox.v1.charges.retrieve(charge.id).amount_refunded == 0
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            _refund(sandbox, charge)
    assert sandbox.v1.charges.retrieve(charge.id).amount_refunded == 0
    sandbox.happen("outages/end")
    assert _refund(sandbox, charge).status == "succeeded"


@pytest.mark.parametrize("kind", ["500", "reset"])
def test_an_answer_that_is_lost_after_the_work_was_done_is_found_by_its_key(start_sandbox, kind):
    sandbox = start_sandbox("--steady")
    charge = sandbox.paid_charge()
    sandbox.happen("outages", kind=kind, path="/v1/refunds", calls=1, after="true")

    with pytest.raises(stripe.StripeError):
        _refund(sandbox, charge)
    assert sandbox.v1.charges.retrieve(charge.id).amount_refunded == 500

    again = _refund(sandbox, charge)

    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert sandbox.v1.charges.retrieve(charge.id).amount_refunded == 500


def test_a_client_that_retries_by_itself_never_notices(start_sandbox):
    sandbox = start_sandbox("--steady")
    charge = sandbox.paid_charge()
    sandbox.happen("outages", kind="reset", path="/v1/refunds", calls=2, after="true")

    _refund(sandbox, charge, max_network_retries=3)

    assert sandbox.v1.charges.retrieve(charge.id).amount_refunded == 500
    assert len(sandbox.v1.refunds.list().data) == 1


def test_an_outage_nobody_knows_is_refused(sandbox, visit):
    for facts in ({"kind": "sideways"}, {"kind": "500", "calls": "-1"}, {"kind": "500", "colour": "red"}, {}):
        assert visit(f"{sandbox.url}/_sandbox/outages", facts).status == 400
    assert sandbox.state()["outages"] == []


def test_events_can_be_doubled_and_delayed(with_shop, shop):
    with_shop.turn(webhooks="double")
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)
    first, second = shop.receive(2)
    assert first.id == second.id

    with_shop.turn(webhooks="steady", webhook_delay_s=1)
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)

    assert shop.hears_nothing_for(0.5)
    assert shop.receive(1)[0].type == "checkout.session.expired"


def test_what_became_of_a_delivery_can_be_seen_and_it_can_go_out_again(with_shop, shop, visit):
    shop.statuses = [404]
    with_shop.v1.checkout.sessions.expire(with_shop.open_session().id)
    (event,) = shop.receive(1)
    _wait_until(lambda: _deliveries(with_shop, visit)[0]["state"] == "delivered")
    (delivery,) = _deliveries(with_shop, visit)
    assert (delivery["type"], delivery["url"]) == ("checkout.session.expired", shop.url)
    assert (delivery["attempts"], delivery["answer"]) == (2, "answered 200")

    with_shop.happen(f"deliveries/{delivery['id']}")
    with_shop.happen(f"events/{event.id}")

    assert [again.id for again in shop.receive(2)] == [event.id, event.id]


def _deliveries(sandbox, visit):
    return json.loads(visit(f"{sandbox.url}/_sandbox/deliveries").text)


def _wait_until(claim):
    deadline = time.monotonic() + 5
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.03)


def test_what_can_be_posted_as_a_form_can_be_posted_as_json(sandbox, paid_charge):
    body = json.dumps({"charge": paid_charge().id, "amount": 700, "inquiry": True}).encode()
    url, headers = f"{sandbox.url}/_sandbox/disputes", {"Content-Type": "application/json"}

    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        dispute = json.load(answer)

    assert (dispute["amount"], dispute["status"]) == (700, "warning_needs_response")


def test_the_page_of_buttons_shows_what_there_is_and_its_buttons_lead_back(sandbox, paid_charge, visit):
    charge = paid_charge("4000 0000 0000 0259")
    browser = {"Accept": "text/html"}

    page = visit(f"{sandbox.url}/_sandbox/")

    assert page.status == 200
    assert "Sandbox. This is not a real payment page" in page.text
    assert charge.payment_intent in page.text
    assert f'action="/_sandbox/disputes/{charge.dispute}"' in page.text
    assert "<script" not in page.text
    decided = visit(f"{sandbox.url}/_sandbox/disputes/{charge.dispute}", {"status": "won"}, browser)
    assert (decided.status, decided.headers["Location"]) == (303, "/_sandbox/")
    again = visit(f"{sandbox.url}/_sandbox/disputes/{charge.dispute}", {"status": "won"}, browser)
    assert again.status == 400
    assert "`won` cannot become `won`" in again.text


def test_the_page_of_buttons_survives_whatever_can_be_made(start_sandbox, order, visit):
    sandbox = start_sandbox("--steady", "--webhook", "http://127.0.0.1:9/=whsec_x")
    for number in ("4242 4242 4242 4242", "4000 0000 0000 9235", "4000 0000 0000 0002", "4000 0000 0000 1976"):
        sandbox.pay(sandbox.open_session(), number)
    voucher = sandbox.v1.checkout.sessions.create(params=order(currency="mxn", unit_amount=5000))
    sandbox.choose(voucher, "oxxo", "fill_never@example.com")
    charge = sandbox.paid_charge("4000 0000 0000 0077")
    sandbox.v1.refunds.create(params={"charge": charge.id, "amount": 300})
    sandbox.v1.accounts.create(params={"type": "express", "email": "<b>@example.com"})
    sandbox.happen("rates", currency="sar", into="usd", rate="0.2666")
    sandbox.happen("outages", kind="500", path="/v1/refunds", calls=3, after="true")
    sandbox.advance(86400)

    page = visit(f"{sandbox.url}/_sandbox/")

    assert page.status == 200
    assert "&lt;b&gt;@example.com" in page.text
    for words in ("1 SAR = 0.2666 USD", "money comes", "Refund of €3.00", "approve", "in_transit", "after doing it"):
        assert words in page.text
