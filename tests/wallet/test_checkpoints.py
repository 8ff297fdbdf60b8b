"""A book that was kept spares a fold from the start, and is never needed."""

import random
import uuid

import pytest

from wallet import checkpoints, ledger, lots
from wallet.ledger import TransferKind
from wallet.models import LotCheckpoint


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Books are worth keeping at once, read in small chunks, and soon forgetful."""
    monkeypatch.setattr(checkpoints, "WORTH_KEEPING", 1)
    monkeypatch.setattr(checkpoints, "CHUNK", 3)
    monkeypatch.setattr(lots, "REMEMBERED", 2)


def prices(causes):
    return {cause: (len(cause) * 37, "EUR") for cause in causes}


def post(kind, person, amount, cause="a test", **more):
    return ledger.post(kind, person=person.pk, amount=amount, key=uuid.uuid4(), cause=cause, **more).transfer_id


def spent_of(book):
    return book.spent_before.get("EUR", 0) + sum(lot.spent_minor for lot in book.lots.values() if lot.currency)


def assert_true(person):
    book, whole = ledger.book_of(person.pk, prices), ledger.book_of(person.pk, prices, whole=True)

    assert {number: book.left_of(number) for number in whole.lots} == {
        number: whole.left_of(number) for number in whole.lots
    }
    assert spent_of(book) == spent_of(whole)


@pytest.mark.parametrize("seed", range(5))
def test_a_book_goes_on_from_where_it_was_kept_whatever_happens(seed, alice, bob):
    drawn, charges = random.Random(seed), {}
    for number in range(40):
        act = drawn.choice(["buy", "spend", "spend", "undo", "take back"])
        if act == "buy" or ledger.balances(alice.pk).coins < 20:
            post(TransferKind.SALE, alice, drawn.randint(20, 90), cause="order:" + "x" * number)
        elif act == "spend":
            charges[post(TransferKind.CHARGE, alice, 10)] = 10
        elif act == "undo" and charges:
            which = drawn.choice([*charges])
            post(TransferKind.CHARGE_REFUNDED, alice, charges.pop(which), undoes=which)
        elif act == "take back":
            post(TransferKind.TAKEN_BACK, alice, drawn.randint(1, 20))
        if drawn.random() < 0.6:
            assert_true(alice)
    assert_true(alice)


def test_what_was_kept_is_read_and_the_rest_is_not_folded_again(alice, monkeypatch):
    post(TransferKind.SALE, alice, 100, cause="order:1")
    ledger.book_of(alice.pk, prices)
    post(TransferKind.CHARGE, alice, 30)
    asked = []
    ledger.book_of(alice.pk, lambda causes: asked.append(causes) or {})

    assert asked == [set()]
    assert spent_of(ledger.book_of(alice.pk, prices)) == 78, "30 % of 2.59"


def test_kept_books_may_be_lost_at_any_time(alice):
    post(TransferKind.SALE, alice, 100, cause="order:1")
    post(TransferKind.CHARGE, alice, 30)
    assert_true(alice)
    LotCheckpoint.objects.all().delete()

    assert_true(alice)


def test_a_book_kept_by_another_rule_is_left_alone(alice):
    post(TransferKind.SALE, alice, 100, cause="order:1")
    ledger.book_of(alice.pk, prices)
    LotCheckpoint.objects.update(state={"fold": lots.FOLD + 1, "lots": "of another kind"})

    assert_true(alice)


def test_a_short_account_is_not_kept(alice, monkeypatch):
    monkeypatch.setattr(checkpoints, "WORTH_KEEPING", 3)
    post(TransferKind.SALE, alice, 100, cause="order:1")
    ledger.book_of(alice.pk, prices)

    assert not LotCheckpoint.objects.exists()


def test_an_account_that_never_moved_has_an_empty_book(alice):
    assert ledger.book_of(alice.pk, prices).lots == {}
