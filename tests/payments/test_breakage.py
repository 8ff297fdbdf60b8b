"""Coins that nobody will spend: their price is earned along with those that are spent, and never more than was paid."""

import uuid
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from conftest import as_owner
from django.core.management import call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from payments import breakage, revenue, tasks
from payments.models import BreakageRate
from wallet import ledger
from wallet.ledger import AccountKind, TransferKind
from wallet.lots import Event, fold

LONG_AGO = timezone.now() - timedelta(days=1)
prices, sizes, rates = st.integers(0, 10_000), st.integers(1, 500), st.integers(0, 9_999)


def lot_after(coins, price, *events):
    rows = [
        Event(number, -amount, is_return=is_return)
        for number, (amount, is_return) in enumerate(cut_down(coins, events), start=2)
    ]
    return fold([Event(1, coins, price, "EUR"), *rows]).lots[1]


def cut_down(coins, events):
    """As many of the events as there are coins for."""
    for amount, is_return in events:
        amount = min(amount, coins)
        if amount:
            yield amount, is_return
        coins -= amount


events = st.lists(st.tuples(st.integers(1, 60), st.sampled_from([False, False, True])), max_size=12)


@given(sizes, prices, rates, events)
def test_what_is_earned_and_what_is_owed_are_the_price_of_what_was_not_returned(coins, price, rate, acts):
    lot = lot_after(coins, price, *acts)
    earned = revenue.earned_of(lot, rate)

    assert 0 <= earned <= price - lot.returned_minor
    assert earned >= lot.spent_minor, "a rate only adds"


@given(sizes, prices, rates, events)
def test_spending_more_never_earns_less(coins, price, rate, acts):
    spends = [(amount, False) for amount, _is_return in acts]
    earned = [revenue.earned_of(lot_after(coins, price, *spends[:number]), rate) for number in range(len(spends) + 1)]

    assert earned == sorted(earned)


@given(sizes, prices, rates, rates, events)
def test_a_higher_rate_never_earns_less(coins, price, one, other, acts):
    lot, (low, high) = lot_after(coins, price, *acts), sorted([one, other])

    assert revenue.earned_of(lot, low) <= revenue.earned_of(lot, high)


@given(sizes, prices, rates)
def test_when_all_is_spent_all_is_earned_at_any_rate(coins, price, rate):
    assert revenue.earned_of(lot_after(coins, price, (coins, False)), rate) == price


@given(sizes, prices, st.integers(0, 5_000), events)
def test_it_is_the_price_in_proportion_to_what_is_expected_to_be_spent(coins, price, rate, acts):
    spent = sum(amount for amount, _ in cut_down(coins, acts))
    lot = lot_after(coins, price, *[(amount, False) for amount, _ in acts])
    exact = min(price * coins * (10_000 - rate), price * spent * 10_000)  # both sides times the coins and the rest

    assert abs(revenue.earned_of(lot, rate) * coins * (10_000 - rate) - exact) <= 2 * coins * (10_000 - rate)


@given(sizes, prices, rates, events)
def test_the_order_of_days_does_not_matter(coins, price, rate, acts):
    """One by one or all together, today or tomorrow: what is earned hangs on how many coins were spent."""
    spends = [(amount, False) for amount, _ in acts]
    spent = sum(amount for amount, _ in cut_down(coins, spends))
    one_by_one, together = lot_after(coins, price, *spends), lot_after(coins, price, (spent, False))

    assert revenue.earned_of(one_by_one, rate) == revenue.earned_of(together, rate)


# In the books ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def bought(order, evidence_of):
    """Alice's settled order of 350 coins for 4.15 EUR."""
    from payments import settlement

    return settlement.settle(order.pk, evidence_of(order))


def spend(person, coins):
    return ledger.post(TransferKind.CHARGE, person=person.pk, amount=coins, key=uuid.uuid4(), cause="sticker:1")


def earned():
    return ledger.balance(ledger.account(AccountKind.REVENUE, currency="EUR"))


def owed():
    return ledger.balance(ledger.account(AccountKind.DEFERRED_REVENUE, currency="EUR"))


def test_with_a_rate_the_unspent_share_is_earned_along_with_the_spent(bought, alice, settings):
    settings.BREAKAGE_BP = 2_000
    spend(alice, 140)  # of the 280 that are expected to be spent
    revenue.recognise(LONG_AGO)

    assert earned() == bought.net_minor // 2
    assert earned() + owed() == bought.net_minor


def test_never_more_is_earned_than_was_paid(bought, alice, settings):
    settings.BREAKAGE_BP = 2_000
    for coins in [280, 30, 40]:
        spend(alice, coins)
        revenue.recognise(LONG_AGO)

        assert (earned(), owed()) == (bought.net_minor, 0)


def test_a_rate_that_changes_corrects_the_past_by_the_difference_there_and_back(bought, alice, settings):
    spend(alice, 140)
    revenue.recognise(LONG_AGO)
    plain = earned()
    for rate, times in [(2_000, 3), (0, 1), (2_000, 1), (0, 2)]:
        settings.BREAKAGE_BP = rate
        for _ in range(times):
            assert revenue.apply_rate(after=0) is None

        assert earned() == (bought.net_minor // 2 if rate else plain)
        assert earned() + owed() == bought.net_minor
    assert [row.basis_points for row in BreakageRate.objects.all()] == [2_000, 0, 2_000, 0]


def test_a_rate_is_applied_to_everybody_some_at_a_time(people, settings, monkeypatch):
    monkeypatch.setattr(revenue, "BATCH", 2)
    monkeypatch.setattr(tasks.apply_breakage_rate, "delay", lambda *again: tasks.apply_breakage_rate(*again))
    holders, seen = [people(f"fan{number}") for number in range(5)], []
    monkeypatch.setattr(revenue, "_recognise", seen.append)
    for holder in holders:
        ledger.post(TransferKind.SALE, person=holder.pk, amount=10, key=uuid.uuid4(), cause="order:x")
    settings.BREAKAGE_BP = 300
    tasks.apply_breakage_rate()

    assert seen == [holder.pk for holder in holders]
    assert BreakageRate.in_use() == 300


def test_a_rate_that_changes_half_way_starts_anew(people, settings, monkeypatch):
    asked = []
    monkeypatch.setattr(revenue, "apply_rate", asked.append)
    settings.BREAKAGE_BP = 300
    tasks.apply_breakage_rate(17, 200)
    tasks.apply_breakage_rate(17, 300)

    assert asked == [0, 17]


# The report -----------------------------------------------------------------------------------------------------------


def printed():
    out = StringIO()
    call_command("breakage", stdout=out)
    return [line.split() for line in out.getvalue().splitlines()]


def test_the_report_is_empty_before_anything_is_sold(db):
    assert len(printed()) == 1


def test_the_report_counts_what_was_sold_spent_and_returned(bought, alice):
    spend(alice, 100)
    ledger.post(TransferKind.TAKEN_BACK, person=alice.pk, amount=50, key=uuid.uuid4(), cause=f"order:{bought.pk}")
    month = timezone.now().strftime("%Y-%m")

    assert printed()[1] == [month, "EUR", "300", "100", "200", "66.66", "%", "-", "-", "-"]


def test_the_report_tells_what_was_left_at_some_age(committed, bought, alice):
    """Of 350 coins 10 were returned, 50 charged and refunded; 100 went after five months and 100 after seven."""
    ledger.post(TransferKind.TAKEN_BACK, person=alice.pk, amount=10, key=uuid.uuid4(), cause=f"order:{bought.pk}")
    refunded = spend(alice, 50)
    facts = {"person": alice.pk, "amount": 50, "cause": "sticker:1", "undoes": refunded.transfer_id}
    ledger.post(TransferKind.CHARGE_REFUNDED, key=uuid.uuid4(), **facts)
    early, late = spend(alice, 100), spend(alice, 100)
    sold = datetime(2024, 3, 31, 12, tzinfo=UTC)
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE wallet_transfer DISABLE TRIGGER transfers_are_append_only")
        cursor.execute("UPDATE wallet_transfer SET created_at = %s", [sold])
        for spent, days in [(early, 150), (late, 215)]:
            cursor.execute(
                "UPDATE wallet_transfer SET created_at = %s WHERE id = %s",
                [sold + timedelta(days=days), spent.transfer_id],
            )
        cursor.execute("ALTER TABLE wallet_transfer ENABLE TRIGGER transfers_are_append_only")

    (cohort,) = breakage.cohorts()
    assert (cohort.month, cohort.sold, cohort.spent, cohort.left) == (date(2024, 3, 1), 340, 200, 140)
    assert cohort.left_at == {6: 240, 12: 140, 24: 140}
    assert cohort.left_bp(6, datetime(2024, 9, 30, tzinfo=UTC)) is None
    assert cohort.left_bp(6, datetime(2024, 10, 1, tzinfo=UTC)) == 7058


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 3, 1)),
        (date(2024, 12, 1), 1, date(2025, 1, 1)),
        (date(2024, 11, 30), 24, date(2026, 11, 30)),
        (date(2024, 8, 31), 6, date(2025, 3, 1)),
        (date(2024, 10, 31), 1, date(2024, 12, 1)),
        (date(2024, 6, 15), 6, date(2024, 12, 15)),
    ],
)
def test_months_are_added_as_a_calendar_does(day, months, expected):
    assert breakage.months_later(day, months) == expected
