"""Many movements in one call: how many there may be, and what one wrong one does to the rest."""

import uuid
from collections.abc import Sequence

import pytest
from conftest import books

from wallet import ledger
from wallet.ledger import MAX_BATCH, AccountKind

MODES = ["together", "each_for_itself"]
NOBODY = 2**40


class Unread(Sequence):
    """A batch that is too long to be looked at."""

    def __len__(self):
        return 10**6

    def __getitem__(self, n):
        raise AssertionError("nobody needs to read a batch to see that it is too long")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("batch", ["empty", "one too many", "a million", "a million, unread"])
def test_a_batch_is_neither_empty_nor_endless(mode, batch, asker):
    gift = asker.entry()
    entries = {
        "empty": [],
        "one too many": [gift] * (MAX_BATCH + 1),
        "a million": [gift] * 10**6,
        "a million, unread": Unread(),
    }[batch]
    before = books()

    with pytest.raises(ledger.InvalidMove):
        ledger.transfer_many(entries, each_for_itself=mode == "each_for_itself")
    assert books() == before


@pytest.mark.parametrize("mode", MODES)
def test_the_longest_batch_is_posted(mode, asker):
    entries = [asker.entry(amount=1, amount_in=0) for _ in range(MAX_BATCH)]
    answers = ledger.transfer_many(entries, each_for_itself=mode == "each_for_itself")

    assert {answer.outcome for answer in answers} == {"posted"}
    assert ledger.balances(asker.person).coins == 0


@pytest.mark.parametrize("mode", MODES)
def test_no_purse_would_rather_pay_for_a_batch(mode, asker):
    good, wrong = asker.entry(), asker.entry(rather=ledger.promo_of(asker.person), rather_in=60)
    before = books()

    with pytest.raises(ledger.InvalidMove):
        ledger.transfer_many([good, wrong], each_for_itself=mode == "each_for_itself")
    assert books() == before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("side", ["debit", "credit"])
def test_debts_are_not_for_batches(mode, side, asker):
    wrong = (
        {"debit": asker.debt, "credit": ledger.house(AccountKind.ISSUED)} if side == "debit" else {"credit": asker.debt}
    )
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, mode)(**wrong, amount_in=300)
    assert books() == before


WRONG_IN_A_BATCH = {
    "unknown": (ledger.UnknownAccount, {"credit": NOBODY}),
    "unfit": (ledger.InvalidMove, {"home": NOBODY}),
    "insufficient": (ledger.InsufficientFunds, {"amount": 1001}),
    "conflict": (ledger.IdempotencyConflict, {"amount": 7}),
}


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("outcome", WRONG_IN_A_BATCH)
def test_one_wrong_movement_stops_all_of_a_batch(outcome, place, asker, other_asker):
    error, wrong = WRONG_IN_A_BATCH[outcome]
    entries = two_good_and_one(wrong, place, asker, other_asker)
    before = books()

    with pytest.raises(error):
        ledger.transfer_many(entries)
    assert books() == before


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("outcome", WRONG_IN_A_BATCH)
def test_or_only_itself_when_each_stands_for_itself(outcome, place, asker, other_asker):
    _error, wrong = WRONG_IN_A_BATCH[outcome]
    answers = ledger.transfer_many(two_good_and_one(wrong, place, asker, other_asker), each_for_itself=True)

    assert [answer.outcome for answer in answers] == ["posted"] * place + [outcome] + ["posted"] * (2 - place)
    assert (answers[place].transfer_id is None) == (outcome != "conflict"), "a conflict names what it conflicts with"
    assert ledger.balances(other_asker.person).coins == 400


def two_good_and_one(wrong, place, asker, other):
    """The key of the wrong one was used before by its person, for 300 coins."""
    used = {"key": uuid.uuid4()} if wrong == {"amount": 7} else {}
    if used:
        asker.transfer(**used)
    entries = [other.entry(), other.entry()]
    entries.insert(place, asker.entry(**used, **wrong))
    return entries


@pytest.mark.parametrize(("amount", "second"), [(300, "replayed"), (299, "conflict")])
def test_a_key_twice_in_a_batch_is_one_movement(amount, second, asker):
    key = uuid.uuid4()
    entries = [asker.entry(key=key), asker.entry(key=key, amount=amount)]
    answers = ledger.transfer_many(entries, each_for_itself=True)

    assert [answer.outcome for answer in answers] == ["posted", second]
    assert answers[0].transfer_id == answers[1].transfer_id
    assert ledger.balances(asker.person).coins == 700


def test_and_two_movements_of_one_key_stop_all_of_a_batch(asker):
    key = uuid.uuid4()
    before = books()

    with pytest.raises(ledger.IdempotencyConflict):
        ledger.transfer_many([asker.entry(key=key), asker.entry(key=key, amount=299)])
    assert books() == before


@pytest.mark.parametrize(("amount", "second"), [(1001, "insufficient"), (300, "conflict")])
def test_a_key_that_was_refused_in_a_batch_moves_nothing_later_in_it(amount, second, asker):
    key = uuid.uuid4()
    before = books()
    answers = ledger.transfer_many(
        [asker.entry(key=key, amount=1001), asker.entry(key=key, amount=amount)], each_for_itself=True
    )

    assert [answer.outcome for answer in answers] == ["insufficient", second]
    assert books() == before
