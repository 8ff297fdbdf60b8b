"""What is there, what is on its way, and what leaves for the bank."""

from __future__ import annotations

import pytest
import stripe

AT_ONCE = "4000 0000 0000 0077"
DAY_S = 86400


def _amounts(balance, status):
    return {each.currency: each.amount for each in balance[status]}


@pytest.fixture
def fresh(start_sandbox):
    return start_sandbox("--steady")


def test_the_balance_is_the_sum_of_its_transactions(fresh):
    charge = fresh.paid_charge(AT_ONCE)
    fresh.paid_charge()
    fresh.v1.refunds.create(params={"charge": charge.id, "amount": 300})
    fresh.happen("disputes", charge=charge.id)

    balance = fresh.v1.balance.retrieve()

    transactions = fresh.v1.balance_transactions.list().data
    assert len(transactions) == 4
    for status in ("available", "pending"):
        expected = sum(each.net for each in transactions if each.status == status)
        assert _amounts(balance, status) == {"eur": expected}


def test_an_amount_less_its_fee_is_its_net(fresh):
    charge = fresh.paid_charge()
    fresh.v1.refunds.create(params={"charge": charge.id, "amount": 300})
    fresh.happen("disputes", charge=charge.id)

    for each in fresh.v1.balance_transactions.list().data:
        assert each.amount - each.fee == each.net
        assert sum(part.amount for part in each.fee_details) == each.fee


def test_transactions_are_found_by_what_they_are(fresh):
    charge = fresh.paid_charge()
    refund = fresh.v1.refunds.create(params={"charge": charge.id, "amount": 300})

    def found(**params):
        return [each.source for each in fresh.v1.balance_transactions.list(params=params).data]

    assert found() == [refund.id, charge.id]
    assert found(type="charge") == found(source=charge.id) == [charge.id]
    assert found(currency="usd") == []
    assert found(created={"gt": charge.created + 3600}) == []


def test_at_midnight_everything_available_leaves_in_one_payout(fresh):
    charge = fresh.paid_charge(AT_ONCE)
    refund = fresh.v1.refunds.create(params={"charge": charge.id, "amount": 300})
    fresh.paid_charge()

    fresh.advance(DAY_S)

    (payout,) = fresh.v1.payouts.list().data
    assert (payout.amount, payout.currency, payout.status) == (1675 - 79 - 300, "eur", "in_transit")
    assert (payout.automatic, payout.reconciliation_status, payout.created % DAY_S < 2) == (True, "completed", True)
    gathered = fresh.v1.balance_transactions.list(params={"payout": payout.id}).data
    assert {each.source for each in gathered} == {charge.id, refund.id, payout.id}
    assert sum(each.net for each in gathered) == 0
    assert _amounts(fresh.v1.balance.retrieve(), "available") == {"eur": 0}


def test_a_payout_is_paid_two_days_later_and_nothing_leaves_twice(fresh):
    fresh.paid_charge(AT_ONCE)
    fresh.advance(DAY_S)
    since = fresh.last_event()

    fresh.advance(3 * DAY_S)

    (payout,) = fresh.v1.payouts.list().data
    assert payout.status == "paid"
    (paid,) = fresh.events_since(since)
    assert (paid.type, paid.created - payout.arrival_date in (0, 1)) == ("payout.paid", True)


def test_a_payout_may_come_back(fresh):
    fresh.paid_charge(AT_ONCE)
    fresh.advance(DAY_S)
    (payout,) = fresh.v1.payouts.list().data

    failed = fresh.happen(f"payouts/{payout.id}", status="failed")

    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    back = fresh.v1.balance_transactions.retrieve(failed["failure_balance_transaction"])
    assert (back.type, back.amount) == ("payout_failure", payout.amount)
    assert _amounts(fresh.v1.balance.retrieve(), "available") == {"eur": payout.amount}


def test_each_day_of_a_long_jump_has_its_own_payout(fresh):
    fresh.paid_charge(AT_ONCE)
    fresh.paid_charge()

    fresh.advance(5 * DAY_S)

    first, second = sorted(payout.created for payout in fresh.v1.payouts.list().data)
    assert 2 * DAY_S - 5 <= second - first <= 3 * DAY_S


def test_a_shop_may_ask_for_a_payout_itself_but_not_for_more_than_it_has(fresh):
    fresh.happen("payouts", schedule="manual")
    fresh.paid_charge(AT_ONCE)
    fresh.advance(2 * DAY_S)
    assert fresh.v1.payouts.list().data == []

    payout = fresh.v1.payouts.create(params={"amount": 1000, "currency": "eur"})

    assert (payout.automatic, payout.amount) == (False, 1000)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        fresh.v1.payouts.create(params={"amount": 1000, "currency": "eur"})
    assert refusal.value.code == "balance_insufficient"
