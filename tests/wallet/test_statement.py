"""The statement of an account: every line with its kind and cause, and the balance as it was then."""

import uuid
from itertools import accumulate

import pytest
from conftest import give_coins

from wallet import ledger
from wallet.ledger import Move, TransferKind


@pytest.fixture
def history(rich_alice, bob):
    """Alice tops up twice and gives eleven gifts; Bob turns some of his diamonds into coins. Both people's ids."""
    for number in range(1, 12):
        coins = 10 * number
        move = Move(
            debit=ledger.coins_of(rich_alice.pk), credit=ledger.diamonds_of(bob.pk), amount=coins, amount_in=coins // 2
        )
        post(move, rich_alice.pk, f"gift:{number}")
        if number == 4:
            give_coins(rich_alice, 70)
        if number == 6:
            ledger.roll_up()
            exchange = Move(debit=ledger.diamonds_of(bob.pk), credit=ledger.coins_of(bob.pk), amount=40, amount_in=20)
            post(exchange, bob.pk, "exchange")
    return rich_alice.pk, bob.pk


def post(move, home, cause):
    ledger.transfer(move, home=home, key=uuid.uuid4(), kind=TransferKind.GIFT, cause=cause)


def accounts_of(history):
    alice, bob = history
    return {"coins": ledger.coins_of(alice), "diamonds": ledger.diamonds_of(bob), "exchanged": ledger.coins_of(bob)}


@pytest.mark.parametrize("which", ["coins", "diamonds", "exchanged"])
def test_the_running_balance_is_the_sum_of_everything_before(which, history):
    account = accounts_of(history)[which]
    oldest_first = ledger.statement(account)[::-1]

    assert [line.balance_after for line in oldest_first] == list(accumulate(line.amount for line in oldest_first))
    assert oldest_first[-1].balance_after == ledger.balance(account)


@pytest.mark.parametrize("limit", [1, 3, 5, 13, 50])
@pytest.mark.parametrize("which", ["coins", "diamonds"])
def test_pages_join_without_a_gap_or_a_repeat(which, limit, history):
    account = accounts_of(history)[which]
    pages, before = [], None
    while page := ledger.statement(account, before=before, limit=limit):
        assert len(page) <= limit
        pages += page
        before = page[-1].transfer_id

    assert pages == ledger.statement(account, limit=1000)


def test_each_line_says_what_it_was(history):
    alice, _bob = history
    newest_first = ledger.statement(ledger.coins_of(alice))

    assert [(line.amount, line.kind, line.cause) for line in newest_first[-6:]] == [
        (70, TransferKind.SALE, "order:of a test"),
        (-40, TransferKind.GIFT, "gift:4"),
        (-30, TransferKind.GIFT, "gift:3"),
        (-20, TransferKind.GIFT, "gift:2"),
        (-10, TransferKind.GIFT, "gift:1"),
        (1000, TransferKind.SALE, "order:of a test"),
    ]
    assert newest_first[0].balance_after == 1070 - 660


def test_a_creators_lines_come_from_both_sides(history):
    _alice, bob = history
    lines = ledger.statement(ledger.diamonds_of(bob))

    assert [line.amount for line in lines] == [55, 50, 45, 40, 35, -40, 30, 25, 20, 15, 10, 5]
    assert [line.balance_after for line in lines][5] == 65


def test_before_the_first_line_there_is_nothing(history):
    account = accounts_of(history)["coins"]
    oldest = ledger.statement(account)[-1].transfer_id

    assert ledger.statement(account, before=oldest) == []
    assert ledger.statement(account, before=0) == []


def test_an_account_that_never_moved_has_no_lines(alice):
    assert ledger.statement(ledger.coins_of(alice.pk)) == []
    assert ledger.statement(2**40) == []


def test_a_roll_up_changes_no_line(history):
    account = accounts_of(history)["diamonds"]
    before = ledger.statement(account)
    ledger.roll_up()

    assert ledger.statement(account) == before


def test_the_house_sees_its_own_side(alice):
    house = ledger.house(ledger.AccountKind.ISSUED)
    before = ledger.balance(house)
    give_coins(alice, 70)
    newest = ledger.statement(house, limit=1)[0]

    assert newest.amount == -70
    assert newest.balance_after == ledger.balance(house) == before - 70
