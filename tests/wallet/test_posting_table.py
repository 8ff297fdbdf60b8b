"""Every line of the posting table: what moves, what is taken back, what becomes a debt."""

import uuid

import pytest
from conftest import give_coins

from wallet import ledger
from wallet.ledger import AccountKind, TransferKind


def post(kind, person, amount, **more):
    facts = {"key": uuid.uuid4(), "cause": "test:1"} | more
    return ledger.post(kind, person=person.pk, amount=amount, **facts)


def held(person, kind):
    return ledger.balance(ledger.account(AccountKind(kind), person.pk))


def test_a_gift_that_can_be_undone_waits_and_then_reaches_its_creator(rich_alice, bob):
    post(TransferKind.GIFT_HELD, rich_alice, 300)
    assert (ledger.balances(rich_alice.pk).coins, held(rich_alice, "coins_held")) == (700, 300)
    post(TransferKind.GIFT_CLOSED, rich_alice, 300, other=bob.pk, amount_in=150)

    assert held(rich_alice, "coins_held") == 0
    assert ledger.balances(bob.pk).diamonds == 150


def test_a_gift_that_is_undone_comes_back_once(rich_alice):
    hold = post(TransferKind.GIFT_HELD, rich_alice, 300)
    post(TransferKind.GIFT_UNDONE, rich_alice, 300, undoes=hold.transfer_id)

    assert ledger.balances(rich_alice.pk).coins == 1000
    post(TransferKind.GIFT_HELD, rich_alice, 300)
    with pytest.raises(ledger.InvalidMove):
        post(TransferKind.GIFT_UNDONE, rich_alice, 300, undoes=hold.transfer_id)


def test_a_charge_is_refunded_in_parts_and_never_beyond(rich_alice):
    charge = post(TransferKind.CHARGE, rich_alice, 100)
    post(TransferKind.CHARGE_REFUNDED, rich_alice, 60, undoes=charge.transfer_id)
    post(TransferKind.CHARGE_REFUNDED, rich_alice, 40, undoes=charge.transfer_id)

    assert ledger.balances(rich_alice.pk).coins == 1000
    with pytest.raises(ledger.InvalidMove):
        post(TransferKind.CHARGE_REFUNDED, rich_alice, 1, undoes=charge.transfer_id)


def test_what_a_refund_cannot_find_becomes_a_debt_that_the_next_top_up_pays(alice):
    give_coins(alice, 100)
    key = uuid.uuid4()
    take = {"person": alice.pk, "key": key, "cause": "refund:1", "rest_as": TransferKind.TAKEN_AS_DEBT}
    first = ledger.take_up_to(TransferKind.TAKEN_BACK, 150, **take)
    again = ledger.take_up_to(TransferKind.TAKEN_BACK, 150, **take)

    assert (first.taken, first.rest, first.is_new) == (100, 50, True)
    assert (again.taken, again.rest, again.is_new) == (100, 50, False)
    assert held(alice, "receivable") == -50
    give_coins(alice, 70)
    assert ledger.repay(alice.pk, key=uuid.uuid4(), cause="order:2").taken == 50
    assert (ledger.balances(alice.pk).coins, held(alice, "receivable")) == (20, 0)


def test_money_of_a_sale_leaves_its_clearing_empty(alice):
    for kind, amount in [
        (TransferKind.MONEY_SOLD, 1362),
        (TransferKind.MONEY_TAXED, 313),
        (TransferKind.MONEY_ARRIVED, 1600),
        (TransferKind.MONEY_FEE, 75),
    ]:
        post(kind, alice, amount, currency="EUR")

    clearing = ledger.account(AccountKind.CLEARING, currency="EUR")
    assert ledger.balance(clearing) == 0
