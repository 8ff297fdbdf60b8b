"""Many at one instant: nobody spends a coin twice, nothing is lost, nobody waits for ever."""

import itertools
import threading
import time
import uuid
from functools import partial

import pytest
from conftest import as_owner, at_once, give_coins
from django.db import connection, transaction

from wallet import ledger
from wallet.ledger import AccountKind, Entry, Move, TransferKind
from wallet.models import Transfer

CROWD = 16
THRONG = 64


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


def test_a_throng_spends_a_balance_to_the_last_gift_and_no_further(committed, rich_alice, bob):
    """1,000 coins are 142 gifts of 7, and 6; 64 connections ask for 2,560 of them."""

    def spend():
        return sum(is_sent(gift(rich_alice, bob, 7), rich_alice) for _ in range(40))

    sent = at_once(*[spend] * THRONG)
    told = Transfer.objects.filter(kind=TransferKind.GIFT).order_by("pk").values_list("debit_balance_after", flat=True)

    assert sum(sent) == 142
    assert ledger.balances(rich_alice.pk).coins == 6
    assert list(told) == list(range(993, 5, -7)), "each is told what the one before it left, and nobody of less than 0"
    assert ledger.balances(bob.pk).diamonds == 142 * 3


def is_sent(move, home):
    try:
        return post(move, home).is_new
    except ledger.InsufficientFunds:
        return False


def test_a_creator_whose_account_somebody_holds_still_earns_from_everybody(committed, people, bob):
    """A hot creator costs nobody a wait: 500 people's gifts pass by the lock, and the sum is exact."""
    fans = [people(f"fan{number}") for number in range(500)]
    for fan in fans:
        give_coins(fan, 10)
    moves = [(gift(fan, bob, 10), fan) for fan in fans]
    creators = ledger.diamonds_of(bob.pk)

    def send(some):
        return [post(move, fan).balance_after for move, fan in some]

    with as_owner() as cursor:
        cursor.execute("SELECT FROM wallet_account WHERE id = %s FOR UPDATE", [creators])
        left = at_once(*[partial(send, moves[first::CROWD]) for first in range(CROWD)])
        assert sorted(itertools.chain(*left)) == [0] * 500
        assert ledger.roll_up() == 0, "what somebody holds is left for the next round"
        assert ledger.balances(bob.pk).diamonds == 2500, "and yet it shows"

    assert ledger.roll_up() == 500
    assert ledger.balance(creators) == 2500


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


def alices_gift(alice, bob):
    return TransferKind.GIFT, gift(alice, bob, 300)


def the_houses_diamonds(alice, bob):
    """The house keeps no balance and the creator's is deferred: no row is locked, and only the key is in common."""
    house = ledger.house(AccountKind.DIAMONDS_ADJUSTMENTS)
    return TransferKind.DIAMONDS_ADDED, Move(debit=house, credit=ledger.diamonds_of(bob.pk), amount=300)


def the_houses_money(alice, bob):
    clearing, tax = [ledger.account(kind, currency="EUR") for kind in [AccountKind.CLEARING, AccountKind.TAX]]
    return TransferKind.MONEY_TAXED, Move(debit=clearing, credit=tax, amount=300)


def by_itself(kind, move, home, key):
    return post(move, home, key, kind).is_new


def in_a_batch(kind, move, home, key):
    (answer,) = ledger.transfer_many([Entry(move=move, home=home.pk, key=key, kind=kind, cause="gift:1")])
    return answer.outcome == "posted"


@pytest.mark.parametrize("movement", [alices_gift, the_houses_diamonds, the_houses_money])
@pytest.mark.parametrize(("first", "second"), list(itertools.product([by_itself, in_a_batch], repeat=2)))
def test_a_key_that_is_being_used_is_waited_for(committed, first, second, movement, rich_alice, bob):
    """Whoever comes second, in whichever way, waits for what the first one does, and then only repeats it."""
    kind, move = movement(rich_alice, bob)
    home = bob if movement is the_houses_diamonds else rich_alice
    use, key, is_used = (kind, move, home), uuid.uuid4(), threading.Event()

    def begin():
        with transaction.atomic():
            is_new = first(*use, key)
            is_used.set()
            end = time.monotonic() + 5
            while not somebody_waits() and time.monotonic() < end:
                time.sleep(0.01)
        return is_new

    def repeat():
        is_used.wait(10)
        return second(*use, key)

    assert at_once(begin, repeat) == [True, False]
    assert Transfer.objects.filter(kind=kind).count() == 1


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.rowcount > 0


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
