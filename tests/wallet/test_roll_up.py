"""Credits to creators come later: shown at once, folded into the balance by and by, once."""

import uuid

import pytest
from conftest import as_owner
from django.db import connection

from wallet import ledger
from wallet.ledger import Move, TransferKind


@pytest.fixture
def earned(rich_alice, bob):
    """Alice has given Bob two gifts, 100 and 50 diamonds, which are on their way. His account of diamonds."""
    account = ledger.diamonds_of(bob.pk)
    for coins in [200, 100]:
        move = Move(debit=ledger.coins_of(rich_alice.pk), credit=account, amount=coins, amount_in=coins // 2)
        ledger.transfer(move, home=rich_alice.pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="gift:1")
    return account


def cached(account):
    """What the account's row says, without what is on its way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT balance FROM wallet_account WHERE id = %s", [account])
        return cursor.fetchone()[0]


def on_their_way():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM wallet_pendingcredit")
        return cursor.fetchone()[0]


def test_diamonds_are_shown_before_they_are_rolled_up(earned, bob):
    assert cached(earned) == 0
    assert ledger.balance(earned) == 150
    assert ledger.balances(bob.pk).diamonds == 150


def test_a_roll_up_turns_credits_into_the_balance_and_shows_the_same(earned):
    assert ledger.roll_up() == 2

    assert cached(earned) == 150
    assert ledger.balance(earned) == 150
    assert on_their_way() == 0


def test_a_second_roll_up_finds_nothing_to_do(earned):
    ledger.roll_up()

    assert ledger.roll_up() == 0
    assert ledger.balance(earned) == 150


def test_an_account_that_somebody_holds_is_left_for_the_next_time(committed, earned):
    with as_owner() as cursor:
        cursor.execute("SELECT FROM wallet_account WHERE id = %s FOR UPDATE", [earned])

        assert ledger.roll_up() == 0
        assert (cached(earned), ledger.balance(earned)) == (0, 150)

    assert ledger.roll_up() == 2
    assert (cached(earned), ledger.balance(earned)) == (150, 150)


def test_a_creator_pays_with_everything_earned_so_far(earned, bob):
    exchange = Move(debit=earned, credit=ledger.coins_of(bob.pk), amount=120, amount_in=60)
    posted = ledger.transfer(exchange, home=bob.pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="exchange")

    assert posted.balance_after == 30
    assert ledger.balances(bob.pk) == ledger.Balances(coins=60, diamonds=30)
    assert on_their_way() == 0


def test_a_creator_cannot_pay_with_more_than_was_earned(earned, bob):
    exchange = Move(debit=earned, credit=ledger.coins_of(bob.pk), amount=151, amount_in=75)

    with pytest.raises(ledger.InsufficientFunds):
        ledger.transfer(exchange, home=bob.pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="exchange")
    assert ledger.balances(bob.pk) == ledger.Balances(diamonds=150)


def test_a_popular_creator_is_no_queue(committed, earned, rich_alice):
    with as_owner() as cursor:
        cursor.execute("SELECT FROM wallet_account WHERE id = %s FOR UPDATE", [earned])
        move = Move(debit=ledger.coins_of(rich_alice.pk), credit=earned, amount=10, amount_in=5)
        ledger.transfer(move, home=rich_alice.pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="gift:1")

        assert ledger.balance(earned) == 155


def test_a_roll_up_costs_what_there_is_to_roll_up_though_the_planner_thinks_that_it_is_nothing(committed):
    creators = 600
    try:
        with as_owner() as cursor:
            cursor.execute(
                """INSERT INTO wallet_account (home, kind, unit, is_house, posting)
                   SELECT 10^9 + n, 'diamonds', 2, false, 'deferred' FROM generate_series(1, %s) n""",
                [creators],
            )
            credit_everybody = """INSERT INTO wallet_pendingcredit (account_id, home, amount)
                                  SELECT id, home, 5 FROM wallet_account WHERE home > 10^9"""
            cursor.execute(f"{credit_everybody}; DELETE FROM wallet_pendingcredit")
            cursor.execute("ANALYZE wallet_account, wallet_pendingcredit")  # pages without rows, as a roll-up leaves it
            cursor.execute(credit_everybody)
            cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'ledger_roll_up'")
            body = cursor.fetchone()[0].replace("only_account", "NULL::bigint")
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {body}")
            plan = cursor.fetchone()[0][0]["Plan"]
            raise Undone
    except Undone:
        pass

    assert creators < rows_touched(plan) < 30 * creators


class Undone(Exception):
    """Ends a transaction of the owner's, of which nothing is to stay."""


def rows_touched(node):
    """What a plan really went through: the rows that each of its nodes gave or dropped, each time it ran."""
    each_time = node["Actual Rows"] + sum(count for name, count in node.items() if name.startswith("Rows Removed"))
    return each_time * node["Actual Loops"] + sum(rows_touched(child) for child in node.get("Plans", []))
