"""Posting one movement: what moves, what is refused, what a repeat does."""

import uuid

import pytest
from conftest import as_owner, books, give_coins

from wallet import ledger
from wallet.ledger import MAX_AMOUNT, Move, TransferKind


@pytest.fixture
def gift(rich_alice, bob):
    """Alice gives 300 of her 1,000 coins, and 150 diamonds reach Bob."""
    return Move(debit=ledger.coins_of(rich_alice.pk), credit=ledger.diamonds_of(bob.pk), amount=300, amount_in=150)


@pytest.fixture
def promo_gift(gift, rich_alice):
    """The same gift, which Alice's given coins would rather pay: then 60 diamonds reach Bob."""
    promo = ledger.promo_of(rich_alice.pk)
    return Move(debit=gift.debit, credit=gift.credit, amount=300, amount_in=150, rather=promo, rather_in=60)


def post(move, home, *, key=None, kind=TransferKind.GIFT, cause="gift:1"):
    return ledger.transfer(move, home=home.pk, key=key or uuid.uuid4(), kind=kind, cause=cause)


def test_a_gift_takes_coins_and_gives_diamonds(gift, rich_alice, bob):
    posted = post(gift, rich_alice)

    assert posted.is_new
    assert posted.paid_by == gift.debit
    assert posted.balance_after == 700
    assert ledger.balances(rich_alice.pk) == ledger.Balances(coins=700)
    assert ledger.balances(bob.pk) == ledger.Balances(diamonds=150)


def test_a_sale_takes_from_the_house_and_gives_to_a_person(alice):
    sold_before = ledger.balance(ledger.house(ledger.AccountKind.ISSUED))
    move = Move(debit=ledger.house(ledger.AccountKind.ISSUED), credit=ledger.coins_of(alice.pk), amount=700)
    posted = post(move, alice, kind=TransferKind.SALE, cause="order:1")

    assert posted.balance_after is None
    assert ledger.balance(move.credit) == 700
    assert ledger.balance(move.debit) == sold_before - 700


def test_an_amount_can_be_the_last_coin(gift, rich_alice):
    everything = Move(debit=gift.debit, credit=gift.credit, amount=1000, amount_in=500)

    assert post(everything, rich_alice).balance_after == 0


def test_a_share_of_nothing_is_still_a_gift(gift, rich_alice, bob):
    post(Move(debit=gift.debit, credit=gift.credit, amount=1, amount_in=0), rich_alice)

    assert ledger.balances(rich_alice.pk).coins == 999
    assert ledger.balances(bob.pk).diamonds == 0
    assert [line.amount for line in ledger.statement(gift.credit)] == [0]


# Repeats -------------------------------------------------------------------------------------------------------------


def test_a_repeated_key_moves_nothing_and_answers_what_the_first_did(gift, rich_alice):
    key = uuid.uuid4()
    first = post(gift, rich_alice, key=key)
    before = books()
    again = post(gift, rich_alice, key=key)

    assert not again.is_new
    assert (again.transfer_id, again.paid_by, again.balance_after) == (first.transfer_id, first.paid_by, 700)
    assert books() == before


def test_a_repeat_is_answered_whatever_the_balance_is_now(gift, rich_alice):
    key = uuid.uuid4()
    first = post(gift, rich_alice, key=key)
    post(Move(debit=gift.debit, credit=gift.credit, amount=700, amount_in=350), rich_alice)
    again = post(gift, rich_alice, key=key)

    assert again.transfer_id == first.transfer_id
    assert again.balance_after == 700, "what the first one left, not what there is now"
    assert ledger.balances(rich_alice.pk).coins == 0


def test_another_key_is_another_gift(gift, rich_alice):
    assert post(gift, rich_alice).transfer_id != post(gift, rich_alice).transfer_id

    assert ledger.balances(rich_alice.pk).coins == 400


def test_another_persons_client_key_is_another_key(rich_alice, carol, bob):
    give_coins(carol, 1000)
    tapped = uuid.uuid4()
    for person in [rich_alice, carol]:
        move = Move(debit=ledger.coins_of(person.pk), credit=ledger.diamonds_of(bob.pk), amount=10, amount_in=5)
        assert post(move, person, key=ledger.client_key(person.pk, "gift", tapped)).is_new

    assert ledger.balances(bob.pk).diamonds == 10


def test_a_client_key_is_the_same_key_every_time_and_another_for_each_purpose(alice):
    tapped = uuid.uuid4()

    assert ledger.client_key(alice.pk, "gift", tapped) == ledger.client_key(alice.pk, "gift", tapped)
    assert ledger.client_key(alice.pk, "gift", tapped) != ledger.client_key(alice.pk, "exchange", tapped)


# Refusals ------------------------------------------------------------------------------------------------------------


def test_one_coin_too_few_is_refused(gift, rich_alice):
    before = books()

    with pytest.raises(ledger.InsufficientFunds):
        post(Move(debit=gift.debit, credit=gift.credit, amount=1001, amount_in=500), rich_alice)
    assert books() == before


def test_a_refused_key_can_be_used_once_the_coins_are_there(gift, rich_alice):
    key = uuid.uuid4()
    dear = Move(debit=gift.debit, credit=gift.credit, amount=1500, amount_in=750)
    with pytest.raises(ledger.InsufficientFunds):
        post(dear, rich_alice, key=key)
    give_coins(rich_alice, 500)

    assert post(dear, rich_alice, key=key).balance_after == 0


def test_a_closed_purse_of_given_coins_is_passed_over(committed, promo_gift, rich_alice):
    give_coins(rich_alice, 0, promo=300)
    with as_owner() as cursor:
        cursor.execute("UPDATE wallet_account SET closed_at = now() WHERE id = %s", [promo_gift.rather])

    assert post(promo_gift, rich_alice).paid_by == promo_gift.debit
    assert ledger.balances(rich_alice.pk) == ledger.Balances(coins=700, promo=300)


# Given coins ---------------------------------------------------------------------------------------------------------


def test_given_coins_pay_wholly_when_they_suffice(promo_gift, rich_alice, bob):
    give_coins(rich_alice, 0, promo=300)
    posted = post(promo_gift, rich_alice)

    assert (posted.paid_by, posted.balance_after) == (promo_gift.rather, 0)
    assert ledger.balances(rich_alice.pk) == ledger.Balances(coins=1000, promo=0)
    assert ledger.balances(bob.pk).diamonds == 60


def test_bought_coins_pay_wholly_when_given_ones_do_not_suffice(promo_gift, rich_alice, bob):
    give_coins(rich_alice, 0, promo=299)
    posted = post(promo_gift, rich_alice)

    assert (posted.paid_by, posted.balance_after) == (promo_gift.debit, 700)
    assert ledger.balances(rich_alice.pk) == ledger.Balances(coins=700, promo=299)
    assert ledger.balances(bob.pk).diamonds == 150


def test_given_and_bought_coins_are_never_put_together(gift, promo_gift, rich_alice):
    give_coins(rich_alice, 0, promo=299)
    post(Move(debit=gift.debit, credit=gift.credit, amount=800, amount_in=400), rich_alice)
    before = books()

    with pytest.raises(ledger.InsufficientFunds):
        post(promo_gift, rich_alice)  # 200 bought and 299 given would be enough together
    assert books() == before


@pytest.mark.parametrize(("promo", "paid_by"), [(300, "rather"), (299, "debit")])
def test_a_repeat_is_answered_whichever_purse_paid_and_whatever_is_in_them_now(promo, paid_by, promo_gift, rich_alice):
    give_coins(rich_alice, 0, promo=promo)
    key = uuid.uuid4()
    first = post(promo_gift, rich_alice, key=key)
    give_coins(rich_alice, 0, promo=600 if paid_by == "debit" else 1)
    before = books()
    again = post(promo_gift, rich_alice, key=key)

    assert not again.is_new
    assert again.transfer_id == first.transfer_id
    assert again.paid_by == getattr(promo_gift, paid_by)
    assert books() == before


def test_somebody_elses_given_coins_never_pay(gift, rich_alice, carol):
    give_coins(carol, 0, promo=500)
    theirs = ledger.promo_of(carol.pk)
    posted = post(
        Move(debit=gift.debit, credit=gift.credit, amount=300, amount_in=150, rather=theirs, rather_in=150), rich_alice
    )

    assert posted.paid_by == gift.debit
    assert ledger.balances(carol.pk).promo == 500


# Amounts -------------------------------------------------------------------------------------------------------------


def test_the_largest_amount_moves(alice, bob):
    give_coins(alice, MAX_AMOUNT)
    post(Move(debit=ledger.coins_of(alice.pk), credit=ledger.diamonds_of(bob.pk), amount=MAX_AMOUNT), alice)

    assert ledger.balances(bob.pk).diamonds == MAX_AMOUNT
