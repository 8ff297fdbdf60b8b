"""An order whose coins do not come: its page finds them, says what happens, and calls for somebody by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments import cases, settlement, sweep
from payments.models import Case, Order, Payment
from wallet import ledger

LATE = timedelta(minutes=11)


@pytest.fixture
def fan(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def once(sandbox):
    return lambda: sweep.once(sweep.Breaker())


@pytest.fixture
def disagreeing(order, evidence_of):
    """Money came for Alice's order eleven minutes ago, one cent short."""
    settlement.settle(order.pk, evidence_of(order, amount_minor=414))
    Payment.objects.update(recorded_at=timezone.now() - LATE)
    order.refresh_from_db()
    return order


@pytest.fixture
def silent(fan, sandbox, order, opened):
    """Alice paid and came back eleven minutes ago, and the provider is away ever since."""
    opened(order)
    sandbox.pay(order.checkout_url)
    sandbox.turn(api="down")
    fan.get(f"/orders/{order.pk}/return/")
    Order.objects.update(returned_at=timezone.now() - LATE, poll_at=timezone.now() + LATE)
    order.refresh_from_db()
    return order


def page_of(fan, order):
    return fan.get(f"/orders/{order.pk}/").content.decode()


# The page heals ------------------------------------------------------------------------------------------------------


def test_opening_the_page_of_a_paid_order_brings_its_coins_though_nothing_else_does(fan, sandbox, alice, order, opened):
    opened(order)
    sandbox.pay(order.checkout_url)
    page = page_of(fan, order)

    assert "Your coins are here" in page
    assert "Your balance is now 350 coins" in page
    assert ledger.balances(alice.pk).coins == 350


def test_a_page_that_is_opened_over_and_over_asks_the_provider_once_in_a_while(fan, sandbox, alice, order, opened):
    opened(order)
    page_of(fan, order)
    sandbox.pay(order.checkout_url)

    assert "Waiting for your payment" in page_of(fan, order)
    assert ledger.balances(alice.pk).coins == 0


def test_a_page_without_a_script_looks_again_by_itself_while_there_is_something_to_wait_for(fan, order, evidence_of):
    refresh = '<noscript><meta http-equiv="refresh" content="10"></noscript>'

    assert refresh in page_of(fan, order)
    settlement.settle(order.pk, evidence_of(order))
    assert "http-equiv" not in page_of(fan, order)


# Ten minutes without coins -------------------------------------------------------------------------------------------


def test_money_that_waits_for_a_decision_opens_a_case_by_itself_once(fan, disagreeing, once):
    for _ in range(3):
        once()
    (case,) = Case.objects.all()
    page = page_of(fan, disagreeing)

    assert (case.order, case.opened_by, case.state) == (disagreeing, None, "open")
    assert "does not agree" in case.why
    assert f"Case {case.pk}" in page
    assert "we asked somebody to look" in page
    assert "Your money is not lost" in page


def test_many_who_wait_all_get_their_case_though_few_are_opened_at_a_time(alice, order_of, evidence_of, monkeypatch):
    monkeypatch.setattr(cases, "BATCH", 1)
    for coins in [70, 350, 700]:
        order = order_of(alice, coins)
        settlement.settle(order.pk, evidence_of(order, amount_minor=1))
    Payment.objects.update(recorded_at=timezone.now() - LATE)

    assert [cases.open_late() for _ in range(4)] == [1, 1, 1, 0]
    assert Case.objects.count() == 3


def test_who_came_back_from_paying_and_hears_nothing_is_told_why_and_a_case_is_opened(fan, silent, once):
    once()
    once()
    page = page_of(fan, silent)

    assert Case.objects.get().why.startswith("The buyer came back from paying")
    assert "Your coins are late, not lost" in page
    assert "You did nothing wrong" in page
    assert "We have no answer yet, and keep asking" in page


def test_a_case_the_tracker_opened_is_closed_by_the_coins(sandbox, alice, silent, once):
    once()
    sandbox.turn(api="up")
    settlement.poll(silent)
    case = Case.objects.get()

    assert ledger.balances(alice.pk).coins == 350
    assert (case.state, case.closed_by, case.reply) == ("closed", None, "The coins came.")
    once()
    assert Case.objects.count() == 1


def test_no_case_is_opened_before_ten_minutes_or_while_the_provider_says_unpaid(fan, sandbox, order, opened, once):
    opened(order)
    fan.get(f"/orders/{order.pk}/return/")
    once()
    assert not Case.objects.exists()

    Order.objects.update(returned_at=timezone.now() - LATE)
    order.refresh_from_db()
    settlement.ask(order)
    once()
    assert not Case.objects.exists()
    assert "Waiting for your payment" in page_of(fan, order)


# A person asks -------------------------------------------------------------------------------------------------------


def report(fan, order, why="I paid an hour ago."):
    return fan.post(f"/orders/{order.pk}/cases/", {"why": why}, follow=True)


def test_a_fan_reports_a_problem_and_sees_that_it_was_heard(fan, alice, order):
    page = report(fan, order).content.decode()
    case = Case.objects.get()

    assert (case.opened_by, case.why) == (alice, "I paid an hour ago.")
    assert "We have your message" in page
    assert "Something looks wrong?" not in page


def test_the_same_report_again_is_the_same_case(fan, order):
    report(fan, order)
    report(fan, order, "I asked before!")

    assert Case.objects.get().why == "I paid an hour ago."


@pytest.mark.parametrize("why", ["", "   ", "x" * 1001, "a\x00b"])
def test_a_report_that_cannot_be_kept_is_refused_with_words(fan, order, why):
    answer = report(fan, order, why)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Case.objects.exists()


def test_an_answer_is_on_the_page_and_another_question_may_follow(fan, people, order):
    report(fan, order)
    case = cases.answer(Case.objects.get().pk, by=people("helper"), reply="Your bank has it until Monday.")
    page = page_of(fan, order)

    assert f"Case {case.pk}, answered." in page
    assert "Your bank has it until Monday." in page
    report(fan, order, "It is Tuesday.")
    assert Case.objects.filter(state="open").count() == 1


def test_a_case_is_answered_once(fan, people, order):
    report(fan, order)
    number = Case.objects.get().pk
    for words in ["First.", "Second."]:
        cases.answer(number, by=people(words.lower().strip(".")), reply=words)

    assert Case.objects.get().reply == "First."
    assert Case.objects.get().closed_by.handle == "first"


def test_nobody_reports_a_problem_with_somebody_elses_order(client, people, order):
    client.force_login(people("eve"))

    assert client.post(f"/orders/{order.pk}/cases/", {"why": "It is mine."}).status_code == 404
    assert client.post(f"/orders/{order.pk}/cancel/").status_code == 404
    assert not Case.objects.exists()
