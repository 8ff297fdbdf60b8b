"""Everybody against everybody, in opposite directions, for a while: nobody waits for ever, and the books are exact.

`STRESS_S` says how many seconds; `make stress` takes 60.
"""

import os
import random
import threading
import time
import uuid
from collections import Counter
from functools import partial

import pytest
from conftest import at_once, give_coins
from django.db import connection, transaction

from wallet import audit, ledger
from wallet.ledger import Entry, Move, TransferKind

STRESS_S = float(os.environ.get("STRESS_S", "5"))
PEOPLE, WORKERS = 4, 8


def post(kind, person, amount, **more):
    return ledger.post(kind, person=person, amount=amount, key=uuid.uuid4(), cause="test:1", **more)


def buy(one, other):
    post(TransferKind.SALE, one, 20)
    post(TransferKind.BONUS, one, 5)


def give(one, other):
    post(TransferKind.GIFT, one, 3, other=other, amount_in=2, promo_in=1)


def hold_and_undo(one, other):
    held = post(TransferKind.GIFT_HELD, one, 3)
    post(TransferKind.GIFT_UNDONE, one, 3, undoes=held.transfer_id)


def hold_and_close(one, other):
    post(TransferKind.GIFT_HELD, one, 3)
    post(TransferKind.GIFT_CLOSED, one, 3, other=other, amount_in=2)


def exchange(one, other):
    post(TransferKind.EXCHANGE, one, 2, amount_in=1)


def ask_for_a_payout_that_fails(one, other):
    asked = post(TransferKind.PAYOUT_ASKED, one, 2)
    post(TransferKind.PAYOUT_FAILED, one, 2, undoes=asked.transfer_id)


def take_back(one, other):
    facts = {"person": one, "key": uuid.uuid4(), "cause": "test:1"}
    ledger.take_up_to(TransferKind.TAKEN_BACK, 9, rest_as=TransferKind.TAKEN_AS_DEBT, **facts)


def claw_back(one, other):
    facts = {"person": one, "key": uuid.uuid4(), "cause": "test:1"}
    ledger.take_up_to(TransferKind.CLAWED_BACK, 4, rest_as=TransferKind.CLAWED_BACK_AS_DEBT, **facts)


def repay(one, other):
    ledger.repay(one, key=uuid.uuid4(), cause="test:1")


def repay_a_coin(one, other):
    post(TransferKind.DEBT_REPAID, one, 1)


def batch(one, other, *, each_for_itself):
    """Both give to each other, and both exchange what they have, in an order of its own."""
    entries = [
        Entry(move=move, home=home, key=uuid.uuid4(), kind=kind, cause="test:1")
        for home, creator in [(one, other), (other, one)]
        for kind, move in [
            (TransferKind.GIFT, Move(debit=ledger.coins_of(home), credit=ledger.diamonds_of(creator), amount=2)),
            (TransferKind.EXCHANGE, Move(debit=ledger.diamonds_of(home), credit=ledger.coins_of(home), amount=1)),
        ]
    ]
    random.shuffle(entries)
    ledger.transfer_many(entries, each_for_itself=each_for_itself)


def roll_up(one, other):
    ledger.roll_up()


batch_together, batch_each = partial(batch, each_for_itself=False), partial(batch, each_for_itself=True)
MOVEMENTS = [
    *[buy, give, hold_and_undo, hold_and_close, exchange, ask_for_a_payout_that_fails],
    *[take_back, claw_back, repay, repay_a_coin, batch_together, batch_each, roll_up],
]


def do_anything(people, end):
    """Any movement between any two, until a point in time; how many there were, and how many lacked coins or a debt."""
    done = Counter()
    while time.monotonic() < end:
        try:
            random.choice(MOVEMENTS)(*random.sample(people, 2))
            done["moved"] += 1
        except (ledger.InsufficientFunds, ledger.InvalidMove):
            done["refused"] += 1
    return done


def deadlocks():
    """How many the server has seen in this database; a session's own count arrives when it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


@pytest.fixture
def settings_of_the_ledger_alone(settings):
    """No orders and no gifts stand behind these movements."""
    settings.LEDGER_AUDITS = []


def test_whoever_moves_what_to_whom_nobody_waits_for_ever(committed, people, settings_of_the_ledger_alone):
    everybody = [people(f"person{number}") for number in range(PEOPLE)]
    for person in everybody:
        give_coins(person, 1000, promo=100)
    before = deadlocks()
    end = time.monotonic() + STRESS_S
    done = at_once(*[partial(do_anything, [person.pk for person in everybody], end)] * WORKERS, limit_s=STRESS_S + 60)
    problems = [result for result in done if not isinstance(result, Counter)]
    total = sum(done, Counter()) if not problems else Counter()
    print(f"{total['moved']} calls moved value and {total['refused']} were refused in {STRESS_S:g} s;", end=" ")
    print(f"{deadlocks() - before} deadlocks")

    assert problems == []
    assert deadlocks() == before
    assert min(result["moved"] for result in done) > 10
    assert list(audit.findings()) == []


def test_two_people_who_open_each_others_accounts_do_not_either(committed, people):
    """Nobody has an account yet, and each of four questions at one instant opens three."""
    pairs = [(people(f"one{n}").pk, people(f"other{n}").pk) for n in range(40)]
    start = threading.Barrier(4)

    def ask(turned):
        for pair in pairs:
            start.wait(10)
            with pytest.raises(ledger.InsufficientFunds):
                give(*(reversed(pair) if turned else pair))

    before = deadlocks()

    assert at_once(*[partial(ask, turned) for turned in [False, True, False, True]]) == [None] * 4
    assert deadlocks() == before


def test_a_first_gift_and_a_top_up_with_a_bonus_do_not_either(committed, alice, bob):
    """The top-up holds her coins and wants her promo account; the gift has just opened it and wants her coins."""
    post(TransferKind.SALE, alice.pk, 1000)
    is_bought = threading.Event()

    def top_up():
        with transaction.atomic():
            post(TransferKind.SALE, alice.pk, 20)
            is_bought.set()
            end = time.monotonic() + 5
            while not somebody_waits() and time.monotonic() < end:
                time.sleep(0.01)
            post(TransferKind.BONUS, alice.pk, 5)

    def send():
        is_bought.wait(10)
        give(alice.pk, bob.pk)

    assert at_once(top_up, send) == [None, None]
    assert ledger.balances(alice.pk) == ledger.Balances(coins=1020, promo=2)


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.rowcount > 0


def test_one_persons_first_two_accounts_may_be_opened_in_either_order(committed, people):
    """Two connections open the same two accounts of one person, each beginning with the other one."""
    everybody = [people(f"person{n}").pk for n in range(150)]
    start = threading.Barrier(2)

    def ask(kind):
        for person in everybody:
            start.wait(10)
            with pytest.raises(ledger.LedgerError):
                post(kind, person, 3)

    assert at_once(partial(ask, TransferKind.GIFT_HELD), partial(ask, TransferKind.GIFT_UNDONE)) == [None, None]
