"""Look, then take: while somebody is held still, nothing of theirs moves, and what was repaid can be returned."""

import uuid

import pytest
from conftest import as_owner, at_once, give_coins
from django.db import OperationalError, connection, transaction

from wallet import ledger
from wallet.ledger import InvalidMove, TransferKind


def spend(who, coins):
    return ledger.post(TransferKind.CHARGE, person=who.pk, amount=coins, key=uuid.uuid4(), cause="sticker:1")


def test_nobody_spends_while_they_are_held_still(committed, rich_alice, people):
    dave = people("dave")
    give_coins(dave, 10)

    def impatient(who):
        with transaction.atomic():
            connection.cursor().execute("SET LOCAL lock_timeout = '50ms'")
            spend(who, 10)

    with transaction.atomic():
        ledger.hold_still(rich_alice.pk)
        alices, daves = at_once(lambda: impatient(rich_alice), lambda: impatient(dave))

    assert isinstance(alices, OperationalError)
    assert daves is None
    assert ledger.balances(rich_alice.pk).coins == 1000


def test_all_that_could_be_taken_or_owed_is_held(committed, rich_alice):
    ledger.take_up_to(
        TransferKind.TAKEN_BACK,
        1,
        person=rich_alice.pk,
        key=uuid.uuid4(),
        cause="test:1",
        rest_as=TransferKind.TAKEN_AS_DEBT,
    )
    give_coins(rich_alice, 0, promo=5)
    with transaction.atomic():
        ledger.hold_still(rich_alice.pk)
        with as_owner() as cursor:
            cursor.execute("SELECT kind FROM wallet_account WHERE home = %s FOR UPDATE SKIP LOCKED", [rich_alice.pk])
            free = cursor.fetchall()

    assert free == []


def test_holding_outside_a_transaction_is_a_mistake_that_is_noticed(committed, alice):
    with pytest.raises(transaction.TransactionManagementError):
        ledger.hold_still(alice.pk)


@pytest.fixture
def repaid(alice):
    """Alice owed 50 and 30, and repaid both; 20 coins are left."""
    for owed in [50, 30]:
        take = {"person": alice.pk, "key": uuid.uuid4(), "cause": "test:1", "rest_as": TransferKind.TAKEN_AS_DEBT}
        ledger.take_up_to(TransferKind.TAKEN_BACK, owed, **take)
        give_coins(alice, owed)
        ledger.repay(alice.pk, key=uuid.uuid4(), cause="test:2")
    give_coins(alice, 20)
    return alice


def test_repayments_are_returned_newest_first_and_the_debt_stands_again(repaid):
    ledger.return_repayments(repaid.pk, 40, key=uuid.uuid4(), cause="test:3")

    have = ledger.balances(repaid.pk)
    assert (have.coins, have.receivable) == (60, -40)
    assert [left for _number, left in ledger.repayments(repaid.pk)] == [40]


def test_no_more_is_returned_than_was_repaid(repaid):
    with pytest.raises(InvalidMove), transaction.atomic():
        ledger.return_repayments(repaid.pk, 81, key=uuid.uuid4(), cause="test:3")

    assert ledger.balances(repaid.pk).coins == 20
