"""Money becomes revenue when its coins are spent, and not before; deferred revenue is what stands behind the rest."""

import uuid
from datetime import timedelta

import pytest
from conftest import at_once
from django.utils import timezone

from gifts import sending
from gifts.models import Gift
from payments import revenue
from wallet import ledger
from wallet.ledger import AccountKind, TransferKind

LONG_AGO = timezone.now() - timedelta(days=1)


def house(kind, currency="EUR"):
    return ledger.balance(ledger.account(kind, currency=currency))


def give(sender, creator, quantity):
    perfume = Gift.objects.get(slug="perfume")
    return sending.send(sender, creator, perfume, quantity=quantity, key=uuid.uuid4())


@pytest.fixture
def bought(order, evidence_of):
    """Alice's settled order."""
    from payments import settlement

    return settlement.settle(order.pk, evidence_of(order))


def test_a_sale_is_owed_to_its_buyer_and_its_tax_to_the_state(bought):
    assert house(AccountKind.DEFERRED_REVENUE) == bought.net_minor
    assert house(AccountKind.TAX) == bought.tax_minor
    assert house(AccountKind.CLEARING) == -bought.price_minor
    assert house(AccountKind.REVENUE) == 0


def test_what_was_spent_becomes_revenue_and_the_rest_stays_owed(bought, alice, bob):
    give(alice, bob, 2)
    revenue.recognise(LONG_AGO)

    left = ledger.book_of(alice.pk, revenue.net_prices).left_of(sale_of(alice))[1]
    assert house(AccountKind.DEFERRED_REVENUE) == left
    assert house(AccountKind.REVENUE) == bought.net_minor - left > 0


def test_doing_it_again_changes_nothing(bought, alice, bob):
    give(alice, bob, 1)
    assert revenue.recognise(LONG_AGO) == 1
    earned = house(AccountKind.REVENUE)

    assert revenue.recognise(LONG_AGO) == 0
    assert house(AccountKind.REVENUE) == earned


def test_a_charge_that_is_refunded_is_owed_again(bought, alice):
    facts = {"person": alice.pk, "amount": 30, "cause": "sticker:1"}
    charge = ledger.post(TransferKind.CHARGE, key=uuid.uuid4(), **facts)
    revenue.recognise(LONG_AGO)
    ledger.post(TransferKind.CHARGE_REFUNDED, key=uuid.uuid4(), undoes=charge.transfer_id, **facts)
    revenue.recognise(LONG_AGO)

    assert house(AccountKind.REVENUE) == 0
    assert house(AccountKind.DEFERRED_REVENUE) == bought.net_minor


def test_what_is_spent_refunded_and_spent_again_is_earned_again(bought, alice):
    facts = {"person": alice.pk, "amount": 30, "cause": "sticker:1"}
    for _ in range(3):
        charge = ledger.post(TransferKind.CHARGE, key=uuid.uuid4(), **facts)
        revenue.recognise(LONG_AGO)
        assert house(AccountKind.REVENUE) > 0
        ledger.post(TransferKind.CHARGE_REFUNDED, key=uuid.uuid4(), undoes=charge.transfer_id, **facts)
        revenue.recognise(LONG_AGO)

        assert house(AccountKind.REVENUE) == 0


def test_coins_that_are_taken_back_are_no_revenue(bought, alice):
    ledger.post(TransferKind.TAKEN_BACK, person=alice.pk, amount=100, key=uuid.uuid4(), cause=f"order:{bought.pk}")

    assert revenue.recognise(LONG_AGO) == 0


def test_two_workers_at_once_recognise_it_once(committed, bought, alice):
    ledger.post(TransferKind.CHARGE, person=alice.pk, amount=100, key=uuid.uuid4(), cause="sticker:1")
    results = at_once(*[lambda: revenue.recognise(LONG_AGO)] * 4)

    assert sorted(results) == [0, 0, 0, 1]
    assert house(AccountKind.REVENUE) + house(AccountKind.DEFERRED_REVENUE) == bought.net_minor
    assert revenue.recognise(LONG_AGO) == 0


def test_a_worker_that_saw_less_than_another_leaves_it_to_the_next_run(bought, alice):
    ledger.post(TransferKind.CHARGE, person=alice.pk, amount=100, key=uuid.uuid4(), cause="sticker:1")
    revenue.recognise(LONG_AGO)
    earned = house(AccountKind.REVENUE)

    assert revenue._post(alice.pk, "EUR", earned - 1, last_id=0) == 0
    assert house(AccountKind.REVENUE) == earned


def test_coins_of_a_deleted_account_become_revenue(bought, alice):
    coins = ledger.balances(alice.pk).coins
    ledger.post(TransferKind.COINS_FORFEITED, person=alice.pk, amount=coins, key=uuid.uuid4(), cause="user:1")
    revenue.recognise(LONG_AGO)

    assert house(AccountKind.REVENUE) == bought.net_minor
    assert house(AccountKind.DEFERRED_REVENUE) == 0


def test_the_trial_balance_adds_up_per_currency(bought, alice, bob):
    give(alice, bob, 1)
    revenue.recognise(LONG_AGO)

    assert sum(total.balance for total in ledger.trial_balance() if total.unit == "EUR") == 0


def sale_of(person):
    lines = ledger.every_line(ledger.coins_of(person.pk))
    return next(line.transfer_id for line in lines if line.kind == TransferKind.SALE)
