"""Posting one movement: what moves, what is refused, what a repeat does."""

import uuid

import pytest
from conftest import give_coins

from wallet import ledger
from wallet.ledger import Move, TransferKind


def test_a_gift_takes_coins_and_gives_diamonds(rich_alice, bob):
    move = Move(debit=ledger.coins_of(rich_alice.pk), credit=ledger.diamonds_of(bob.pk), amount=300, amount_in=150)
    posted = ledger.transfer(move, home=rich_alice.pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="gift:1")

    assert posted.is_new
    assert posted.balance_after == 700
    assert ledger.balances(rich_alice.pk).coins == 700
    assert ledger.balances(bob.pk).diamonds == 150


def test_opening_gives_nothing(alice):
    give_coins(alice, 5)
    assert ledger.balances(alice.pk) == ledger.Balances(coins=5)


def test_committed(committed, rich_alice):
    assert ledger.balances(rich_alice.pk).coins == 1000


def test_zero(alice):
    with pytest.raises(ledger.InvalidMove):
        Move(debit=1, credit=2, amount=0)
