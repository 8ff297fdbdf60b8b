"""Posting one movement: what moves, what is refused, what a repeat does."""

import uuid

import pytest
from conftest import as_owner, give_coins
from django.db import IntegrityError, connection, transaction

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


def books():
    """Everything that a movement could change."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT array_agg((id, balance)::text ORDER BY id) FROM wallet_account),
                      (SELECT array_agg((account_id, amount)::text ORDER BY account_id) FROM wallet_pendingcredit),
                      (SELECT count(*) FROM wallet_transfer)"""
        )
        return cursor.fetchone()


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


def other_amount(gift, alice, carol):
    return Move(debit=gift.debit, credit=gift.credit, amount=299, amount_in=150), TransferKind.GIFT


def other_share(gift, alice, carol):
    return Move(debit=gift.debit, credit=gift.credit, amount=300, amount_in=151), TransferKind.GIFT


def other_payee(gift, alice, carol):
    return Move(debit=gift.debit, credit=ledger.diamonds_of(carol.pk), amount=300, amount_in=150), TransferKind.GIFT


def other_payer(gift, alice, carol):
    return Move(debit=ledger.promo_of(alice.pk), credit=gift.credit, amount=300, amount_in=150), TransferKind.GIFT


def other_kind(gift, alice, carol):
    return gift, TransferKind.BONUS


@pytest.mark.parametrize("other", [other_amount, other_share, other_payee, other_payer, other_kind])
def test_a_key_cannot_be_used_for_another_movement(other, gift, rich_alice, carol):
    key = uuid.uuid4()
    give_coins(rich_alice, 0, promo=300)
    post(gift, rich_alice, key=key)
    move, kind = other(gift, rich_alice, carol)
    before = books()

    with pytest.raises(ledger.IdempotencyConflict):
        post(move, rich_alice, key=key, kind=kind)
    assert books() == before


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


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_an_account_that_does_not_exist_is_refused(side, gift, rich_alice):
    accounts = {"debit": gift.debit, "credit": gift.credit} | {side: 2**40}
    before = books()

    with pytest.raises(ledger.UnknownAccount):
        post(Move(**accounts, amount=300, amount_in=150), rich_alice)
    assert books() == before


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_a_closed_account_neither_pays_nor_receives(committed, side, gift, rich_alice):
    with as_owner() as cursor:
        cursor.execute("UPDATE wallet_account SET closed_at = now() WHERE id = %s", [getattr(gift, side)])
    before = books()

    with pytest.raises(ledger.ClosedAccount):
        post(gift, rich_alice)
    assert books() == before


def test_a_closed_purse_of_given_coins_is_passed_over(committed, promo_gift, rich_alice):
    give_coins(rich_alice, 0, promo=300)
    with as_owner() as cursor:
        cursor.execute("UPDATE wallet_account SET closed_at = now() WHERE id = %s", [promo_gift.rather])

    assert post(promo_gift, rich_alice).paid_by == promo_gift.debit
    assert ledger.balances(rich_alice.pk) == ledger.Balances(coins=700, promo=300)


def one_unit_two_amounts(gift, alice, carol):
    return Move(debit=gift.debit, credit=ledger.coins_of(carol.pk), amount=300, amount_in=301), alice


def somebody_elses_home(gift, alice, carol):
    return gift, carol


def the_payees_home(gift, alice, carol):
    return Move(debit=gift.debit, credit=ledger.coins_of(carol.pk), amount=300), carol


def another_recipient_of_the_house(gift, alice, carol):
    return Move(debit=ledger.house(ledger.AccountKind.ISSUED), credit=ledger.coins_of(carol.pk), amount=300), alice


def one_account_twice(gift, alice, carol):
    return Move(debit=gift.debit, credit=gift.debit, amount=300), alice


def what_would_rather_pay_also_receives(gift, alice, carol):
    promo = ledger.promo_of(alice.pk)
    return Move(debit=gift.debit, credit=promo, amount=300, rather=promo, rather_in=300), alice


def one_unit_and_another_amount_rather(gift, alice, carol):
    promo, coins = ledger.promo_of(alice.pk), ledger.coins_of(carol.pk)
    return Move(debit=gift.debit, credit=coins, amount=300, rather=promo, rather_in=299), alice


@pytest.mark.parametrize(
    "unfit",
    [
        one_unit_two_amounts,
        somebody_elses_home,
        the_payees_home,
        another_recipient_of_the_house,
        one_account_twice,
        what_would_rather_pay_also_receives,
        one_unit_and_another_amount_rather,
    ],
)
def test_what_does_not_fit_is_refused(unfit, gift, rich_alice, carol):
    give_coins(rich_alice, 0, promo=400)
    give_coins(carol, 400)
    move, home = unfit(gift, rich_alice, carol)
    before = books()

    with pytest.raises(ledger.InvalidMove):
        post(move, home)
    assert books() == before


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


@pytest.mark.parametrize("amount", [0, -1, True, 1.0, "1", None, MAX_AMOUNT + 1, 2**63])
def test_only_a_whole_positive_amount_can_move(amount):
    with pytest.raises(ledger.InvalidMove):
        Move(debit=1, credit=2, amount=amount)


@pytest.mark.parametrize("amount", [-1, True, 0.5, MAX_AMOUNT + 1, 2**63])
def test_only_a_whole_amount_can_arrive(amount):
    with pytest.raises(ledger.InvalidMove):
        Move(debit=1, credit=2, amount=1, amount_in=amount)
    with pytest.raises(ledger.InvalidMove):
        Move(debit=1, credit=2, amount=1, rather=3, rather_in=amount)


@pytest.mark.parametrize("rather", [{"rather": 3}, {"rather_in": 3}])
def test_a_purse_that_would_rather_pay_says_what_arrives(rather):
    with pytest.raises(ledger.InvalidMove):
        Move(debit=1, credit=2, amount=1, **rather)


def test_the_largest_amount_moves(alice, bob):
    give_coins(alice, MAX_AMOUNT)
    post(Move(debit=ledger.coins_of(alice.pk), credit=ledger.diamonds_of(bob.pk), amount=MAX_AMOUNT), alice)

    assert ledger.balances(bob.pk).diamonds == MAX_AMOUNT


@pytest.mark.parametrize(("out", "arrives"), [(-5, -5), (0, 0), (1, None), (1, -1)])
def test_the_database_refuses_such_amounts_by_itself(out, arrives, gift, rich_alice):
    before = books()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM ledger_transfer(%s, %s, 3::smallint, 'gift:1', %s, %s, %s, %s)",
            [rich_alice.pk, uuid.uuid4(), gift.debit, out, gift.credit, arrives],
        )

    assert books() == before
