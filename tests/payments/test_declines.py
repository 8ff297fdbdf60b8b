"""A payment that was declined: its order waits, and says what happened and what to do, in the buyer's words."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments import declines, gateway, inbox, settlement
from payments.models import Order, StripeEvent, TimelineEntry


@pytest.fixture
def told(sandbox):
    """What the provider tells about the declines of an order's payment, worked on as it arrives."""

    def tell(order):
        events = gateway._client().v1.events.list({"types": ["payment_intent.payment_failed"], "limit": 50}).data
        ours = [event.to_dict() for event in events]
        for event in reversed(
            [event for event in ours if event["data"]["object"]["metadata"].get("order") == str(order.pk)]
        ):
            inbox.store(event)
            inbox.work(event["id"])
            assert StripeEvent.objects.get(pk=event["id"]).state == "done"

    return tell


@pytest.fixture
def page_of(client):
    def read(order):
        client.force_login(order.buyer)
        return client.get(f"/orders/{order.pk}/").content.decode()

    return read


CARDS = {
    "4000 0000 0000 0002": "Your bank said no",
    "4000 0000 0000 9987": "Your bank said no",  # lost: that is for the bank to say
    "4100 0000 0000 0019": "Your bank said no",  # blocked as fraud
    "4000 0000 0000 9995": "There was not enough money",
    "4000 0000 0000 0069": "The card was not accepted",
    "4000 0000 0000 0127": "The card was not accepted",
    "4000 0000 0000 0119": "Something went wrong between the banks",
}


@pytest.mark.parametrize(("card", "words"), CARDS.items())
def test_a_declined_card_says_what_to_do_and_the_same_order_is_paid_with_another(
    sandbox, order, opened, told, page_of, card, words
):
    opened(order)
    assert sandbox.pay(order.checkout_url, card) == 402
    told(order)
    page = page_of(order)
    assert words in page
    assert "Nothing was charged." in page
    assert "lost" not in page.replace("not lost", "")
    assert order.checkout_url in page.replace("&amp;", "&")  # and the way to pay again

    assert sandbox.pay(order.checkout_url) == 303
    settlement.ask(order)
    assert words not in page_of(order)
    assert Order.objects.get().state == "settled"


def test_each_decline_is_noted_once_and_the_latest_is_told(sandbox, order, opened, told, page_of):
    opened(order)
    for card in ["4000 0000 0000 9995", "4000 0000 0000 0069"]:
        sandbox.pay(order.checkout_url, card)
    told(order)
    told(order)

    assert order.timeline.filter(what="declined").count() == 2
    page = page_of(order)
    assert "The card was not accepted" in page
    assert "not enough money" not in page


def test_a_decline_of_an_earlier_try_is_not_told_of_the_next(order):
    order.note("declined", reference="ch_1", code="insufficient_funds")
    latest = order.timeline.get(what="declined")
    assert declines.told_of(order, latest).title.startswith("There was not enough money")
    order.retried_at = timezone.now() + timedelta(seconds=1)

    assert declines.told_of(order, latest) is None


def test_a_cancelled_order_tells_of_no_decline(order):
    order.note("declined", reference="ch_1", code="insufficient_funds")
    order = settlement.cancel(order.pk)

    assert declines.told_of(order, order.timeline.get(what="declined")) is None


@pytest.mark.parametrize("code", ["", "a_code_of_tomorrow", "do_not_honor", "x" * 500])
def test_a_code_that_we_do_not_know_is_the_banks_no(order, code):
    entry = TimelineEntry(what="declined", detail={"code": code}, at=timezone.now())

    assert declines.told_of(order, entry).title == "Your bank said no"


@pytest.mark.parametrize(
    "intent",
    [
        {},
        {"metadata": None, "last_payment_error": None},
        {"metadata": {"order": "x"}, "last_payment_error": {}},
        {"metadata": {"order": "00000000-0000-4000-8000-000000000000"}, "last_payment_error": {"code": "x"}},
        {"metadata": ["order"], "last_payment_error": []},
        {"metadata": {"order": 5}, "last_payment_error": {"decline_code": 7}},
    ],
    ids=range(6),
)
def test_a_failure_of_no_order_of_ours_is_remarked_and_done(db, order, intent):
    event = {"id": "evt_x", "object": "event", "type": "payment_intent.payment_failed", "livemode": False}
    event |= {"api_version": gateway.API_VERSION, "data": {"object": intent}}
    inbox.store(event)
    inbox.work("evt_x")
    row = StripeEvent.objects.get(pk="evt_x")

    assert (row.state, row.remark) == ("ignored", "it speaks of no order of ours")
    assert not TimelineEntry.objects.filter(what="declined").exists()


def test_trying_again_after_a_failure_opens_a_page_for_the_same_order(sandbox, alice, order, opened, client):
    opened(order)
    settlement.follow(
        gateway.Evidence(
            session_id=order.session_id,
            order_ids=(str(order.pk), str(order.pk)),
            status="complete",
            is_paid=False,
            intent_id="pi_1",
            amount_minor=order.price_minor,
            currency="EUR",
            is_live=False,
            has_failed=True,
        )
    )
    client.force_login(alice)
    answer = client.post(f"/orders/{order.pk}/checkout/")

    assert answer.status_code == 303
    assert answer.url.startswith(sandbox.url)
    assert Order.objects.count() == 1
