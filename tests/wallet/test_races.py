"""Many at one instant: nobody spends a coin twice, nothing is lost, nobody waits for ever."""

import time
import uuid
from functools import partial

from conftest import at_once, give_coins

from wallet import ledger
from wallet.ledger import AccountKind, Move, TransferKind

CROWD = 16


def gift(sender, creator, coins):
    return Move(
        debit=ledger.coins_of(sender.pk), credit=ledger.diamonds_of(creator.pk), amount=coins, amount_in=coins // 2
    )


def post(move, home, key=None, kind=TransferKind.GIFT):
    return ledger.transfer(move, home=home.pk, key=key or uuid.uuid4(), kind=kind, cause="gift:1")


def until(end, job):
    """Do a job over and over until a point in time; how often it was done."""
    times = 0
    while time.monotonic() < end:
        job()
        times += 1
    return times


def test_one_balance_is_never_spent_twice(committed, rich_alice, bob):
    results = at_once(*[partial(post, gift(rich_alice, bob, 130), rich_alice)] * CROWD)
    refused = [result for result in results if isinstance(result, ledger.InsufficientFunds)]
    posted = [result for result in results if isinstance(result, ledger.Posted)]

    assert (len(posted), len(refused)) == (7, CROWD - 7), "1,000 coins are seven times 130, and 90"
    assert sorted(result.balance_after for result in posted) == [90, 220, 350, 480, 610, 740, 870]
    assert ledger.balances(rich_alice.pk).coins == 90
    assert ledger.balances(bob.pk).diamonds == 7 * 65


def test_within_one_account_ids_tell_the_order_of_things(committed, rich_alice, bob):
    results = at_once(*[partial(post, gift(rich_alice, bob, 10), rich_alice)] * CROWD)
    told = [result.balance_after for result in sorted(results, key=lambda result: result.transfer_id)]

    assert told == list(range(990, 990 - 10 * CROWD, -10))


def test_one_key_at_once_is_one_transfer(committed, rich_alice, bob):
    results = at_once(*[partial(post, gift(rich_alice, bob, 300), rich_alice, uuid.uuid4())] * CROWD)

    assert sorted(result.is_new for result in results) == [False] * (CROWD - 1) + [True]
    assert len({result.transfer_id for result in results}) == 1
    assert {result.balance_after for result in results} == {700}
    assert ledger.balances(rich_alice.pk).coins == 700
    assert ledger.balances(bob.pk).diamonds == 150


def test_the_loser_of_a_race_for_the_last_coins_is_told_of_the_winner_and_not_of_too_few(committed, rich_alice, bob):
    results = at_once(*[partial(post, gift(rich_alice, bob, 1000), rich_alice, uuid.uuid4())] * CROWD)

    assert sum(result.is_new for result in results) == 1
    assert len({result.transfer_id for result in results}) == 1


def test_one_key_for_two_gifts_at_once_is_one_of_them(committed, rich_alice, bob):
    key = uuid.uuid4()
    jobs = [partial(post, gift(rich_alice, bob, coins), rich_alice, key) for coins in [100, 200]]
    results = at_once(*jobs)

    assert sum(isinstance(result, ledger.Posted) for result in results) == 1
    assert sum(isinstance(result, ledger.IdempotencyConflict) for result in results) == 1
    assert ledger.balances(rich_alice.pk).coins in [900, 800]


def test_opposite_movements_do_not_wait_for_each_other_for_ever(committed, rich_alice, carol):
    give_coins(carol, 1000)
    end = time.monotonic() + 2.5
    there = Move(debit=ledger.coins_of(rich_alice.pk), credit=ledger.coins_of(carol.pk), amount=1)
    back = Move(debit=there.credit, credit=there.debit, amount=1)
    results = at_once(
        *[partial(until, end, partial(post, there, rich_alice))] * 2,
        *[partial(until, end, partial(post, back, carol))] * 2,
    )

    assert all(isinstance(result, int) and result > 10 for result in results), results
    assert ledger.balance(there.debit) + ledger.balance(there.credit) == 2000


def test_a_roll_up_among_gifts_loses_and_doubles_nothing(committed, people, bob):
    fans = [people(f"fan{number}") for number in range(4)]
    for fan in fans:
        give_coins(fan, 100_000)
    end = time.monotonic() + 1.5
    given = at_once(
        *[partial(until, end, partial(post, gift(fan, bob, 10), fan)) for fan in fans],
        *[partial(until, end, ledger.roll_up)] * 2,
    )[:4]
    ledger.roll_up()

    assert all(isinstance(times, int) and times > 5 for times in given), given
    assert ledger.balances(bob.pk).diamonds == sum(given) * 5
    assert [ledger.balances(fan.pk).coins for fan in fans] == [100_000 - 10 * times for times in given]


def test_a_creator_who_pays_among_gifts_and_roll_ups_keeps_the_rest(committed, rich_alice, bob):
    give_coins(rich_alice, 100_000)
    exchange = Move(debit=ledger.diamonds_of(bob.pk), credit=ledger.coins_of(bob.pk), amount=5, amount_in=3)
    post(gift(rich_alice, bob, 1000), rich_alice)
    end = time.monotonic() + 1.5

    def pay():
        try:
            return post(exchange, bob.person)
        except ledger.InsufficientFunds:
            return None

    given, rolled_up, paid = at_once(
        partial(until, end, partial(post, gift(rich_alice, bob, 10), rich_alice)),
        partial(until, end, ledger.roll_up),
        partial(until, end, pay),
    )
    bought = ledger.balances(bob.pk).coins // 3

    assert rolled_up > 5
    assert 0 < bought <= paid
    assert ledger.balances(bob.pk).diamonds == 500 + given * 5 - bought * 5


def test_an_account_asked_for_by_many_at_once_is_opened_once(committed, alice):
    accounts = at_once(*[partial(ledger.account, AccountKind.COINS, alice.pk)] * CROWD)

    assert len(set(accounts)) == 1
    assert isinstance(accounts[0], int)
