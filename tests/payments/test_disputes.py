"""Banks take money, ask and warn: the coins follow the money, questions only pause, and no order of news matters."""

import uuid
from itertools import combinations, permutations

import pytest
from conftest import house
from django.db import transaction

from gifts import sending
from gifts.models import Gift
from payments import aftermath, gateway, refunds
from payments.models import Order, Outgoing
from wallet import audit, ledger


@pytest.fixture(autouse=True)
def sound_books(db):
    """Whatever a test did, the books and the orders tell one story."""
    yield
    assert [*audit.findings()] == []


def intent_of(order):
    return order.payments.get().intent_id


def dispute(order, happen, **facts):
    said = happen("disputes", charge=intent_of(order), **facts)
    look(order)
    return said["id"]


def decide(order, happen, dispute_id, *statuses):
    for status in statuses:
        happen(f"disputes/{dispute_id}", status=status)
    look(order)


def look(order):
    aftermath.look(intent_of(order))


def spend(who, coins):
    ledger.post(ledger.TransferKind.CHARGE, person=who.pk, amount=coins, key=uuid.uuid4(), cause="sticker:1")


def held(who):
    have = ledger.balances(who.pk)
    return have.coins, have.receivable


def in_books():
    kinds = ["clearing", "deferred_revenue", "revenue", "tax", "dispute_loss"]
    return {kind: amount for kind in kinds if (amount := house(kind))}


# Disputes take -------------------------------------------------------------------------------------------------------


def test_a_dispute_takes_the_coins_and_what_was_spent_is_a_debt_and_a_loss(alice, bought, happen):
    spend(alice, 100)
    dispute(bought, happen)

    assert held(alice) == (0, -100)
    assert in_books() == {"deferred_revenue": 96, "dispute_loss": -96}  # earned, when the day's revenue is counted
    assert bought.timeline.filter(what="disputed").exists()


def test_a_dispute_that_is_won_gives_back_exactly_what_it_took(alice, bought, happen):
    before = in_books()
    spend(alice, 100)
    lost_sleep = dispute(bought, happen)
    decide(bought, happen, lost_sleep, "won")

    assert held(alice) == (250, 0)
    assert in_books() == before
    assert bought.timeline.filter(what="dispute_won").exists()


def test_a_dispute_that_is_lost_changes_no_more(alice, bought, happen):
    complaint = dispute(bought, happen)
    before = held(alice), in_books()
    decide(bought, happen, complaint, "lost")

    assert (held(alice), in_books()) == before == ((0, 0), {})


def test_a_dispute_won_on_appeal_gives_back(alice, bought, happen):
    complaint = dispute(bought, happen)
    decide(bought, happen, complaint, "lost")
    decide(bought, happen, complaint, "appeal_needs_response")
    assert held(alice) == (0, 0)  # an appeal is not over, and the bank has the money
    decide(bought, happen, complaint, "appeal_under_review", "won")

    assert held(alice) == (350, 0)


def test_a_status_that_is_news_to_us_counts_as_not_over(alice, bought, happen):
    complaint = dispute(bought, happen)
    row = bought.disputes.get(stripe_id=complaint)
    row.status = "council_of_elders"

    assert (row.takes, row.is_over, row.forbids_refunds) == (True, False, True)


def test_a_dispute_of_more_than_the_price_takes_no_more_than_the_coins_and_the_rest_is_lost(alice, bought, happen):
    dispute(bought, happen, amount="500")

    assert held(alice) == (0, 0)
    assert in_books() == {"clearing": 85, "dispute_loss": -85}


def test_a_dispute_of_a_part_takes_its_part(alice, bought, happen):
    dispute(bought, happen, amount="100")

    assert held(alice) == (350 - 84, 0)


def test_a_refund_and_a_dispute_together_never_take_more_than_was_sold(alice, bought, happen):
    refund(bought, 100)
    dispute(bought, happen, amount="415")

    assert held(alice) == (0, 0)
    assert in_books() == {"clearing": 100, "dispute_loss": -100}


def test_after_a_dispute_is_won_a_refund_takes_the_whole(alice, bought, happen):
    complaint = dispute(bought, happen)
    decide(bought, happen, complaint, "won")
    refund(bought, 415)

    assert held(alice) == (0, 0)
    assert in_books() == {}


def refund(order, amount):
    facts = {"reason": "requested_by_customer", "by": None, "key": uuid.uuid4()}
    asked = refunds.ask(order.payments.get(), amount, **facts)
    aftermath.send_refund(Outgoing.objects.get(kind="refund", subject=asked.pk))
    asked.refresh_from_db()
    return asked


# Inquiries and warnings only ask -------------------------------------------------------------------------------------


@pytest.fixture
def give(alice, bob):
    def one():
        return sending.send(alice, bob, Gift.objects.get(slug="perfume"), quantity=1, key=uuid.uuid4())

    return one


def test_an_inquiry_takes_nothing_but_pauses_spending_until_it_is_closed(alice, bought, happen, give):
    question = dispute(bought, happen, inquiry="true")
    assert held(alice) == (350, 0)
    with pytest.raises(sending.MayNotSend, match="your bank has asked us"):
        give()

    decide(bought, happen, question, "warning_closed")
    assert give().coins
    assert house("dispute_loss") == 0


def test_an_inquiry_that_becomes_a_dispute_takes(alice, bought, happen, give):
    question = dispute(bought, happen, inquiry="true")
    decide(bought, happen, question, "needs_response")

    assert held(alice) == (0, 0)
    assert not alice.spending_pauses.filter(ended_at=None).exists()


def test_a_warning_pauses_spending_until_the_money_is_given_back(alice, bought, happen, give):
    happen("early_fraud_warnings", charge=intent_of(bought), fraud_type="made_with_stolen_card")
    look(bought)
    assert held(alice) == (350, 0)
    with pytest.raises(sending.MayNotSend, match="on hold"):
        give()
    assert bought.timeline.filter(what="warned").exists()

    refund(bought, 415)
    assert not alice.spending_pauses.filter(ended_at=None).exists()


def test_two_questions_pause_until_both_are_answered(alice, order_of, pay, happen):
    first, second = pay(order_of(alice, 350)), pay(order_of(alice, 700))
    asked = [dispute(order, happen, inquiry="true") for order in [first, second]]
    decide(first, happen, asked[0], "warning_closed")
    assert alice.spending_pauses.filter(ended_at=None).count() == 1
    decide(second, happen, asked[1], "warning_closed")

    assert not alice.spending_pauses.filter(ended_at=None).exists()


def test_who_is_paused_is_told_before_they_are_asked_to_pay(client, alice, bought, happen):
    dispute(bought, happen, inquiry="true")
    client.force_login(alice)
    summary = client.get("/summary/", {"package": "custom", "amount": 100}).content.decode()

    assert "Your coins are on hold" in summary


def test_while_the_bank_only_asks_the_money_can_be_given_back(alice, bought, happen):
    dispute(bought, happen, inquiry="true")
    refund(bought, 415)

    assert bought.disputes.get().status == "warning_closed"
    assert held(alice) == (0, 0)


# No order of news matters --------------------------------------------------------------------------------------------


def a_refund_that_fails(order, happen):
    refunded = gateway._client().v1.refunds.create({"payment_intent": intent_of(order), "amount": 150})
    yield
    happen(f"refunds/{refunded.id}", status="failed")


def a_partial_refund(order, happen):
    gateway._client().v1.refunds.create({"payment_intent": intent_of(order), "amount": 100})
    yield


def a_dispute_that_is_won(order, happen):
    complaint = happen("disputes", charge=intent_of(order), amount="315")["id"]
    yield
    happen(f"disputes/{complaint}", status="won")


def a_dispute_that_stays(order, happen):
    happen("disputes", charge=intent_of(order), amount="200")
    yield


STORIES = {
    "a refund, one that fails, and a dispute that is won": [
        a_partial_refund,
        a_refund_that_fails,
        a_dispute_that_is_won,
    ],
    "a refund that fails before a dispute that stays": [a_refund_that_fails, a_partial_refund, a_dispute_that_stays],
}


def run(story, order, happen):
    """The acts of a story; it stops after each step, so that somebody may look."""
    for act in STORIES[story]:
        for _ in act(order, happen):
            yield
        yield


def ends(who):
    have = ledger.balances(who.pk)
    return have.coins, have.promo, have.receivable, in_books()


@pytest.mark.parametrize(("story", "coins"), [*zip(STORIES, [350 - 84, 350 - 253], strict=True)])
def test_every_order_in_which_news_arrive_ends_the_same(alice, bought, happen, news, tell, story, coins):
    for _ in run(story, bought, happen):
        pass
    told = [*{event["type"]: event for event in news(bought)}.values()][:4]  # four of their types, shuffled
    outcomes = []
    for order in permutations(told):
        with transaction.atomic():
            for event in order:
                tell(event)
            outcomes.append(ends(alice))
            transaction.set_rollback(True)

    assert len(outcomes) == 24
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert outcomes[0][:3] == (coins, 0, 0)


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize(("spent", "is_present"), [(0, False), (300, False), (300, True)])
def test_whenever_we_looked_meanwhile_it_ends_the_same(people, order_of, pay, happen, story, spent, is_present):
    steps, outcomes = range(5), []
    for looks in [looks for count in [0, 1, 2, 5] for looks in combinations(steps, count)]:
        with transaction.atomic():
            buyer = people("somebody")
            receiver = people("dave") if is_present else buyer
            bought = pay(order_to(receiver, order_of(buyer)))
            if spent:
                spend(receiver, spent)
            for step, _ in enumerate(run(story, bought, happen)):
                if step in looks:
                    look(bought)
            look(bought)
            outcomes.append([ends(buyer), ends(receiver), [*audit.findings()]])
            transaction.set_rollback(True)

    assert len(outcomes) == 17
    assert all(outcome == outcomes[0] for outcome in outcomes), outcomes
    assert outcomes[0][2] == []
    if is_present:
        assert outcomes[0][1][2] == 0  # a debt is the buyer's, never theirs


def order_to(receiver, order):
    Order.objects.filter(pk=order.pk).update(recipient=receiver)
    return Order.objects.get(pk=order.pk)
