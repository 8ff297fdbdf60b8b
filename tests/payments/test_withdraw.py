"""Withdrawing from a contract: unspent coins go at once, their money follows, and nothing is lost on the way."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from conftest import at_once, hidden_fields, house
from django.core import mail
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from coinshop.accounts.models import CountryLaw
from gifts import sending
from gifts.models import Gift
from payments import aftermath, checkout, money, outgoing, pricing, refunds, regions, reversals, withdrawals
from payments.models import Order, Outgoing, Refund, Withdrawal
from wallet import audit, ledger

FAILS = "4000 0000 0000 5126"  # its refunds fail after they were pending

pytestmark = pytest.mark.usefixtures("rested")


@pytest.fixture(autouse=True)
def sound_books(request):
    request.getfixturevalue("committed" if "committed" in request.fixturenames else "db")
    yield
    assert [*audit.findings()] == []


@pytest.fixture
def buyer(client, alice):
    client.force_login(alice)
    return client


def withdraw(order):
    return withdrawals.withdraw(order.pk, by=order.buyer, coins=withdrawals.terms_of(order).coins)


def send_refund():
    row = Outgoing.objects.get(kind="refund")
    outgoing.work(row.pk)
    return Refund.objects.get(pk=row.subject)


def spend(who, coins):
    ledger.post(ledger.TransferKind.CHARGE, person=who.pk, amount=coins, key=uuid.uuid4(), cause="sticker:1")


def held(who):
    have = ledger.balances(who.pk)
    return have.coins, have.promo, have.receivable


def in_books():
    kinds = ["clearing", "deferred_revenue", "revenue", "tax", "dispute_loss"]
    return {kind: amount for kind in kinds if (amount := house(kind))}


# What goes back ------------------------------------------------------------------------------------------------------


def test_all_of_an_untouched_order_goes_back_to_the_last_cent(alice, bought):
    withdrawal = withdraw(bought)
    assert held(alice) == (0, 0, 0)  # at once, before the provider has heard of it
    assert (withdrawal.coins, withdrawal.refund.amount_minor, withdrawal.refund.status) == (350, 415, "asked")
    refund = send_refund()

    assert refund.status == "succeeded"
    assert held(alice) == (0, 0, 0)
    assert in_books() == {}


def test_the_unspent_half_goes_back_and_the_spent_half_stays_paid(alice, bob, bought):
    sending.send(alice, bob, Gift.objects.get(slug="perfume"), quantity=9, key=uuid.uuid4())  # 180 coins
    terms = withdrawals.terms_of(bought)
    assert (terms.coins, terms.spent, terms.amount_minor) == (170, 180, 202)  # 201.57, in favour of the buyer
    withdraw(bought)
    send_refund()

    assert held(alice) == (0, 0, 0)
    assert ledger.balances(bob.pk).diamonds == 90


def test_coins_of_other_orders_stay(alice, bought, order_of, pay):
    later = pay(order_of(alice, 700))
    withdraw(bought)

    assert held(alice) == (700, 0, 0)
    assert withdrawals.terms_of(later).coins == 700


def test_bonus_coins_go_along_as_far_as_they_are_unspent(alice, bought, order_of, pay):
    order = order_of(alice, 700)
    Order.objects.filter(pk=order.pk).update(bonus=70)
    order.refresh_from_db()
    order = pay(order)
    spend(alice, 1)  # of the older lot
    terms = withdrawals.terms_of(order)
    assert (terms.coins, terms.bonus) == (700, 70)
    withdraw(order)

    assert held(alice) == (349, 0, 0)


def test_bonus_coins_that_were_spent_stay_spent_and_cost_nothing(alice, bob, order_of, pay):
    order = order_of(alice, 700)
    Order.objects.filter(pk=order.pk).update(bonus=70)
    order.refresh_from_db()
    order = pay(order)
    sending.send(alice, bob, Gift.objects.get(slug="perfume"), quantity=2, key=uuid.uuid4())  # 40 promotional coins
    assert withdrawals.terms_of(order).bonus == 30
    withdraw(order)

    assert held(alice) == (0, 0, 0)
    assert order.withdrawals.get().refund.amount_minor == order.price_minor


def test_after_a_part_was_refunded_the_rest_goes_back_and_together_it_is_all(alice, bought):
    asked = refunds.ask(bought.payments.get(), 100, reason="requested_by_customer", by=None, key=uuid.uuid4())
    outgoing.work(Outgoing.objects.get(kind="refund", subject=asked.pk).pk)
    terms = withdrawals.terms_of(bought)
    assert (terms.coins, terms.amount_minor) == (350 - 84, 315)
    withdraw(bought)

    assert held(alice) == (0, 0, 0)
    assert in_books() == {}


def test_withdrawing_for_a_friend_takes_what_the_friend_has_not_spent(alice, people, pay):
    dora = people("dora")
    offer = pricing.offer_amount(regions.region_of_country("IE"), "IE", 350)
    order = pay(checkout.place(offer, buyer=alice, recipient=dora, form_key=uuid.uuid4()))
    spend(dora, 150)
    withdraw(order)

    assert held(dora) == held(alice) == (0, 0, 0)
    assert order.withdrawals.get().coins == 200


quickly = settings(max_examples=200, deadline=None)


@quickly
@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["EUR", "JPY", "ISK", "KWD", "IDR"]), st.data())
def test_the_money_for_any_part_is_its_share_and_takes_no_coin_more(coins, units, currency, data):
    price = units * money.step(currency)
    spent = data.draw(st.integers(0, coins - 1))
    amount = reversals.money_for(coins - spent, taken=0, returned=0, coins=coins, price=price, currency=currency)
    returned = reversals.Returned(amount, 0)

    assert amount % money.step(currency) == 0
    assert returned.part_of(coins, price) <= coins - spent
    assert amount <= price
    assert spent or amount == price
    exact = (coins - spent) * price / coins
    assert abs(amount - exact) <= max(money.step(currency), price / coins)


# Once, and nothing in between ----------------------------------------------------------------------------------------


def test_declared_again_nothing_more_goes_back(alice, bought):
    withdraw(bought)
    with pytest.raises(withdrawals.NotPossible, match="You have withdrawn"):
        withdraw(bought)

    assert Withdrawal.objects.count() == Refund.objects.count() == 1


def test_declared_ten_times_at_once_it_counts_once(committed, alice, bought):
    results = at_once(*[lambda: withdrawals.withdraw(bought.pk, by=alice, coins=350)] * 10)

    assert sum(isinstance(result, Withdrawal) for result in results) == 1
    assert {type(result) for result in results} == {Withdrawal, withdrawals.NotPossible}
    assert held(alice) == (0, 0, 0)
    assert Refund.objects.get().amount_minor == 415


def test_of_spending_and_withdrawing_at_once_one_is_told_to_look_again(committed, alice, bob, bought):
    gift = Gift.objects.get(slug="perfume")
    results = at_once(
        lambda: withdrawals.withdraw(bought.pk, by=alice, coins=350),
        lambda: sending.send(alice, bob, gift, quantity=9, key=uuid.uuid4()),
    )
    refused = [result for result in results if isinstance(result, Exception)]

    assert len(refused) == 1
    assert held(alice) in [(0, 0, 0), (170, 0, 0)]
    assert isinstance(refused[0], withdrawals.Changed) == (held(alice) == (170, 0, 0))


def test_nothing_is_spent_between_looking_and_taking(committed, monkeypatch, alice, bob, bought):
    gift, sent = Gift.objects.get(slug="perfume"), []

    def spend_meanwhile():
        try:
            sent.append(sending.send(alice, bob, gift, quantity=9, key=uuid.uuid4()))
        finally:
            connection.close()

    def slowly(*payment, **facts):
        spender.start()
        spender.join(1)  # it would be done long ago if nothing held it
        return ask(*payment, **facts)

    ask, spender = refunds.ask, threading.Thread(target=spend_meanwhile)
    monkeypatch.setattr(withdrawals.refunds, "ask", slowly)
    monkeypatch.setattr(threading, "excepthook", lambda problem: None)  # it has not the coins any more
    withdraw(bought)
    spender.join()

    assert sent == []
    assert held(alice) == (0, 0, 0)


def test_a_refund_that_the_provider_refuses_gives_the_coins_back(alice, bought, sandbox):
    withdraw(bought)
    refunds.refuse(Refund.objects.get(), code="charge_not_refundable", said="no")
    aftermath.look(bought.payments.get().intent_id)  # as whoever sends a refund does after a refusal

    assert held(alice) == (350, 0, 0)
    assert withdrawals.terms_of(bought).coins == 350


def test_a_refund_that_fails_later_gives_the_coins_back(alice, order, pay, time_at_provider):
    bought = pay(order, FAILS)
    withdraw(bought)
    send_refund()
    time_at_provider(days=10)
    aftermath.look(bought.payments.get().intent_id)

    assert Refund.objects.get().status == "failed"
    assert held(alice) == (350, 0, 0)


# When it is not possible ---------------------------------------------------------------------------------------------


def test_after_the_days_it_is_not_possible_and_the_day_is_named(alice, bought):
    Order.objects.update(settled_at=timezone.now() - timedelta(days=20))
    bought.refresh_from_db()

    with pytest.raises(withdrawals.NotPossible, match="ended with"):
        withdraw(bought)
    assert held(alice) == (350, 0, 0)


@pytest.mark.parametrize(
    ("settled", "until"),
    [
        (datetime(2026, 11, 2, 12, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC)),  # Monday, to a Monday's end
        (datetime(2026, 11, 6, 12, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)),  # Friday
        (datetime(2026, 11, 7, 12, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)),  # a Saturday's end is a Monday's
        (datetime(2026, 11, 8, 12, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)),
    ],
)
def test_the_last_day_counts_whole_and_is_no_weekend(bought, settled, until):
    Order.objects.update(settled_at=settled, created_at=settled)
    bought.refresh_from_db()

    assert withdrawals.deadline_of(bought) == until


def test_in_a_country_of_several_zones_the_last_day_ends_where_it_ends_last(bought):
    """Portugal's ends on the Azores, an hour after Lisbon's."""
    settled = datetime(2026, 11, 2, 12, tzinfo=UTC)
    Order.objects.update(settled_at=settled, created_at=settled, country="PT")
    bought.refresh_from_db()

    assert withdrawals.deadline_of(bought) == datetime(2026, 11, 17, 1, tzinfo=UTC)


def test_where_the_law_grants_it_not_it_is_said(people, order_of, pay):
    order = pay(order_of(people("sam", country="US"), 350))

    assert "no right to withdraw" in withdrawals.terms_of(order).objection
    assert withdrawals.deadline_of(order) is None


def test_the_law_of_the_day_of_the_order_counts(alice, bought):
    CountryLaw.objects.filter(country="IE").update(withdrawal_days=0)
    CountryLaw.objects.create(
        country="IE",
        valid_from=timezone.now().date() - timedelta(days=1),
        adult_age=18,
        withdrawal_days=30,
        tax_rate_bp=0,
    )

    assert withdrawals.deadline_of(bought) - timezone.now() > timedelta(days=29)


def test_spent_coins_say_why_they_stay(alice, bought):
    spend(alice, 350)

    assert "ends with spending them" in withdrawals.terms_of(bought).objection


@pytest.mark.parametrize(("amount", "told"), [("415", "are spent or went back"), ("100", "Your bank asks")])
def test_while_the_bank_has_the_money_or_a_part_nothing_is_withdrawn(alice, bought, happen, amount, told):
    intent = bought.payments.get().intent_id
    happen("disputes", charge=intent, amount=amount)
    aftermath.look(intent)

    assert told in withdrawals.terms_of(bought).objection
    with pytest.raises(withdrawals.NotPossible):
        withdraw(bought)


def test_a_bank_that_only_asks_is_answered_by_withdrawing(alice, bought, happen):
    intent = bought.payments.get().intent_id
    happen("disputes", charge=intent, inquiry="true")
    aftermath.look(intent)
    withdraw(bought)

    assert send_refund().status == "succeeded"


# The page and the mail -----------------------------------------------------------------------------------------------


def test_the_page_says_what_goes_back_and_the_button_declares_it(buyer, alice, bob, bought):
    sending.send(alice, bob, Gift.objects.get(slug="perfume"), quantity=9, key=uuid.uuid4())
    link = f"/orders/{bought.pk}/withdrawal/"
    assert link in buyer.get(f"/orders/{bought.pk}/").content.decode()
    assert link in buyer.get(f"/orders/{bought.pk}/receipt/").content.decode()
    answer = buyer.get(link)
    page = answer.content.decode()
    for told in ["170", "180", "€2.02", "I, @alice, withdraw from the contract", bought.number, "alice@example.com"]:
        assert told in page

    sent = buyer.post(link, hidden_fields(answer.content), follow=True)
    assert sent.redirect_chain == [(f"/orders/{bought.pk}/", 303)]
    assert "You have withdrawn" in sent.content.decode()
    assert Withdrawal.objects.get().declared_by == alice
    assert bought.timeline.filter(what="withdrawn").exists()
    again = buyer.post(link, hidden_fields(answer.content))
    assert again.status_code == 409
    assert "You have withdrawn from this purchase" in again.content.decode()


def test_who_spent_coins_meanwhile_is_shown_the_new_terms_and_nothing_is_withdrawn(buyer, alice, bought):
    link = f"/orders/{bought.pk}/withdrawal/"
    form = hidden_fields(buyer.get(link).content)
    spend(alice, 50)
    answer = buyer.post(link, form)

    assert answer.status_code == 409
    assert "Coins were spent since you looked" in answer.content.decode()
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize(("coins", "status"), [("", 422), ("0", 409), ("x", 422), ("351", 409), ("-1", 422)])
def test_a_form_that_says_something_else_withdraws_nothing(buyer, bought, coins, status):
    assert buyer.post(f"/orders/{bought.pk}/withdrawal/", {"coins": coins}).status_code == status
    assert not Withdrawal.objects.exists()


def test_nobody_elses_order_is_withdrawn_from(client, people, bought):
    client.force_login(people("dora"))

    assert client.post(f"/orders/{bought.pk}/withdrawal/", {"coins": "350"}).status_code == 404


def test_the_confirmation_comes_once_with_what_and_when(alice, bought):
    withdrawal = withdraw(bought)
    for _ in range(2):
        outgoing.work(Outgoing.objects.get(kind="withdrawal_mail").pk)
    (confirmation,) = mail.outbox

    assert confirmation.to == ["alice@example.com"]
    for told in [bought.number, "350", "€4.15", f"{withdrawal.at.year}"]:
        assert told in confirmation.body
        assert told in confirmation.alternatives[0][0]
