"""The tracker goes on after the delivery: who has the money now, who has the coins, and what comes next."""

import uuid

import pytest

from payments import aftermath, gateway
from payments.models import Order
from wallet import ledger
from wallet.models import Transfer

WAITS = "4000 0000 0000 7726"  # its refunds are pending for an hour


@pytest.fixture
def tracker(client):
    """What the buyer reads about an order, after somebody looked at what became of its payment."""

    def read(order, page=""):
        aftermath.look(intent_of(order))
        client.force_login(order.buyer)
        return client.get(f"/orders/{order.pk}/{page}").content.decode()

    return read


def intent_of(order):
    return order.payments.get().intent_id


def refund(order, amount):
    return gateway._client().v1.refunds.create({"payment_intent": intent_of(order), "amount": amount}).id


def spend(who, coins):
    ledger.post(ledger.TransferKind.CHARGE, person=who.pk, amount=coins, key=uuid.uuid4(), cause="sticker:1")


def test_a_refund_is_told_with_its_money_its_coins_and_the_ledgers_entry(bought, tracker):
    given = refund(bought, 415)
    page = tracker(bought)

    assert "Your money was given back" in page
    assert "Your coins are here" not in page
    assert "€4.15 went back the way it came" in page
    assert "350 coins went back." in page
    for reference in [given, f"ledger {Transfer.objects.get(kind=ledger.TransferKind.TAKEN_BACK).pk}"]:
        assert reference in page


def test_a_part_that_was_given_back_is_on_the_receipt_too(bought, tracker):
    refund(bought, 100)

    assert "A part of your money was given back" in tracker(bought)
    assert "€1.00" in tracker(bought, "receipt/")


def test_coins_that_were_spent_before_are_told_as_what_the_next_ones_pay_for(alice, bought, tracker):
    spend(alice, 300)
    refund(bought, 415)

    assert "300 of them had been spent: your next coins pay for them first." in tracker(bought)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("pending", "goes back the way it came, within some days"),
        ("requires_action", "has asked you by e-mail where to send it"),
        ("failed", "could not be given back"),
    ],
)
def test_a_refund_is_told_as_it_stands(order, pay, happen, tracker, status, told):
    bought = pay(order, WAITS)
    given = refund(bought, 100)
    if status != "pending":
        happen(f"refunds/{given}", status=status)

    assert told in tracker(bought)


def test_a_refund_that_failed_leaves_the_coins_here(bought, happen, tracker):
    happen(f"refunds/{refund(bought, 415)}", status="failed")
    page = tracker(bought)

    assert "Your coins are here" in page
    assert "went back." not in page


def test_money_that_came_twice_is_told_as_such_and_the_coins_stay(client, bought):
    facts = {"amount_minor": 415, "currency": "EUR"}
    second = bought.payments.create(intent_id="pi_second", session_id="cs_2", is_live=False, is_surplus=True, **facts)
    bought.refunds.create(payment=second, stripe_id="re_second", status="succeeded", **facts)
    client.force_login(bought.buyer)
    page = client.get(f"/orders/{bought.pk}/").content.decode()

    assert "You paid twice: €4.15 went back. Your coins stay." in page
    assert "Your coins are here" in page


STORIES = {
    "disputed": ([], "Your bank took this payment back", "decides who is right"),
    "won": (["won"], "Your coins are here", "decided that the payment stands"),
    "lost": (["lost"], "Your bank took this payment back", "decided that €4.15 stays with you"),
}


@pytest.mark.parametrize(("decisions", "headline", "told"), STORIES.values(), ids=STORIES)
def test_a_dispute_is_told_as_it_stands(bought, happen, tracker, decisions, headline, told):
    complaint = happen("disputes", charge=intent_of(bought))["id"]
    for status in decisions:
        happen(f"disputes/{complaint}", status=status)
    page = tracker(bought)

    assert headline in page
    assert told in page
    assert complaint in page


def test_a_question_of_the_bank_says_that_the_coins_are_on_hold(bought, happen, tracker):
    happen("disputes", charge=intent_of(bought), inquiry="true")
    page = tracker(bought)

    assert "Your bank asks about this payment" in page
    assert "It has taken nothing" in page


def test_who_bought_for_another_is_not_told_what_the_other_has(alice, people, order_of, pay, tracker):
    order = order_of(alice)
    Order.objects.filter(pk=order.pk).update(recipient=people("dave"))
    page = tracker(pay(Order.objects.get(pk=order.pk)))

    assert "@dave has the coins." in page
    assert "Your balance is now" not in page
