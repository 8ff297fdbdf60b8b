"""Buying for somebody else: who that is, who may not be bought for, and what each of the two then sees."""

import uuid

import pytest
from conftest import hidden_fields

from coinshop.accounts import blocks
from payments import checkout, pricing, recipients, regions, settlement
from payments.models import Order, PriceList
from wallet import ledger


@pytest.fixture
def dora(people):
    """Dora is a friend of Alice's."""
    return people("dora")


@pytest.fixture
def shopper(client, sandbox, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def choice(dora):
    prices = PriceList.objects.get(region__slug="eurozone", channel="web", state="live")
    return {"package": str(prices.packages.get(coins=350).pk), "amount": "", "to": "dora"}


def text_of(answer):
    return answer.content.decode()


def form_of(client, choice, **changes):
    return hidden_fields(client.get("/summary/", choice).content) | changes


def test_a_friend_is_shown_before_anything_is_chosen(shopper, dora):
    page = text_of(shopper.get("/for/", {"handle": " @Dora "}))

    assert "@dora" in page
    assert 'href="/?to=dora"' in page


def test_the_friend_goes_along_from_the_window_to_the_order(shopper, alice, dora, choice):
    window = text_of(shopper.get("/", {"to": "dora"}))
    assert '<input type="hidden" name="to" value="dora">' in window
    summary = text_of(shopper.get("/summary/", choice))
    assert "@dora" in summary
    assert "Not to you." in summary

    assert shopper.post("/orders/", form_of(shopper, choice)).status_code == 303
    order = Order.objects.get()
    assert (order.buyer, order.recipient) == (alice, dora)


def test_the_coins_are_the_friends_and_the_order_is_the_buyers(shopper, client, alice, dora, choice, evidence_of):
    shopper.post("/orders/", form_of(shopper, choice))
    order = Order.objects.get()
    settlement.settle(order.pk, evidence_of(order))

    assert ledger.balances(dora.pk).coins == 350
    assert ledger.balances(alice.pk).coins == 0
    assert "The coins are with @dora" in text_of(shopper.get(f"/orders/{order.pk}/"))
    client.force_login(dora)
    assert client.get(f"/orders/{order.pk}/").status_code == 404
    statement = text_of(client.get("/wallet/"))
    assert "from @alice" in statement
    assert order.number not in statement
    assert str(order.pk) not in statement


@pytest.mark.parametrize("name", ["nobody.of.this.name", "carol", "x" * 40, "‮arod", "gone"])
def test_somebody_who_does_not_exist_is_too_young_or_has_left_is_refused_in_the_same_words(
    name, shopper, carol, people, choice
):
    people("gone", is_active=False)
    answers = [shopper.get("/for/", {"handle": name}), shopper.get("/summary/", choice | {"to": name})]

    for answer in answers:
        assert answer.status_code == 422
        assert "You cannot buy coins for" in text_of(answer)


def test_what_is_no_name_at_all_is_refused_too(shopper, choice):
    assert shopper.get("/for/", {"handle": "a\0b"}).status_code == 422
    assert shopper.get("/for/", {"handle": ""}).status_code == 422
    assert shopper.get("/summary/", choice | {"to": "a\0b"}).status_code == 422
    assert shopper.get("/", {"to": "a\0b" * 30}).status_code == 200


def test_who_has_blocked_the_buyer_is_refused_in_those_words_too_at_every_step(shopper, alice, dora, choice):
    form = form_of(shopper, choice)
    blocks.block(dora, alice)

    assert "You cannot buy coins for @dora" in text_of(shopper.get("/for/", {"handle": "dora"}))
    answer = shopper.post("/orders/", form)
    assert answer.status_code == 422
    assert "You cannot buy coins for @dora" in text_of(answer)
    assert not Order.objects.exists()


def test_ones_own_name_is_oneself(shopper, alice, choice):
    assert shopper.get("/for/", {"handle": "@alice"}).status_code == 303
    assert "Not to you." not in text_of(shopper.get("/summary/", choice | {"to": "alice"}))
    assert recipients.find("@Alice", buyer=alice) == alice


def test_a_visitor_signs_in_before_anybody_is_looked_up(client, dora, choice):
    assert client.get("/for/", {"handle": "dora"}).status_code == 302
    page = text_of(client.get("/summary/", choice))

    assert "to%3Ddora" in page or "to=dora" in page


def test_the_same_form_sent_twice_is_one_order_for_the_friend(alice, dora):
    region = regions.region_of_country("IE")
    offer, key = pricing.offer_amount(region, "IE", 350), uuid.uuid4()
    first = checkout.place(offer, buyer=alice, recipient=dora, form_key=key)

    assert checkout.place(offer, buyer=alice, recipient=alice, form_key=key) == first
    assert Order.objects.get().recipient == dora
