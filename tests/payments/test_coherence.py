"""What does not fit together in the shop's own books is found: each error is planted once, by the tables' owner."""

import uuid
from datetime import timedelta

import pytest
from conftest import at_once, give_coins
from django.db import transaction
from django.utils import timezone

from payments import coherence, duties, inbox, outgoing, quarantine, settlement, sweep
from payments.models import Duty, Finding, Order, Outgoing, Payment, StripeEvent
from wallet import ledger
from wallet.ledger import AccountKind, Move, TransferKind
from wallet.models import Account, Transfer

What = Finding.What
LONG_AGO = timedelta(hours=1)


@pytest.fixture
def delivered(committed, order, evidence_of):
    """Alice's order of 350 coins, paid and delivered."""
    return settlement.settle(order.pk, evidence_of(order))


def found():
    """What is found at this moment, by kind and figures."""
    coherence.check("")
    return {(row.what, row.expected, row.found) for row in Finding.objects.filter(gone_at=None)}


def kinds():
    return {what for what, *_ in found()}


def test_a_shop_in_order_has_no_findings(delivered, bob, order_of, opened, sandbox, alice):
    move = Move(debit=ledger.coins_of(alice.pk), credit=ledger.diamonds_of(bob.pk), amount=100, amount_in=50)
    ledger.transfer(move, home=alice.pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="gift:of a test")
    opened(order_of(alice, 700))

    assert found() == set()


def test_a_delivered_order_without_its_sale_is_found_and_so_is_the_balance(delivered, alice, plant):
    plant("DELETE FROM wallet_transfer WHERE kind = %s", int(TransferKind.SALE))

    assert found() == {("not credited", 350, 0), ("wrong balance", 0, 350)}
    row = Finding.objects.get(what=What.NOT_CREDITED)
    assert (row.order, row.unit, row.reference) == (delivered, "coins", f"{delivered.number} the sale")


def test_a_delivered_order_whose_money_is_not_in_the_books_is_found(delivered, plant):
    plant("DELETE FROM wallet_transfer WHERE kind = %s", int(TransferKind.MONEY_TAXED))

    assert found() == {("not credited", 78, 0)}


def test_a_stray_mark_that_an_order_is_delivered_is_found(committed, order, plant):
    plant("UPDATE payments_order SET state = 'settled', settled_at = now() WHERE id = %s", order.pk)

    assert found() == {
        ("not credited", 350, 0),
        *{("not credited", minor, 0) for minor in [337, 78]},
        ("not paid", 415, 0),
    }


def test_coins_that_were_sold_for_an_order_which_is_not_delivered_are_found(delivered, plant):
    plant("UPDATE payments_order SET state = 'opened', settled_at = NULL, created_at = now() - interval '1 day'")

    Payment.objects.update(recorded_at=timezone.now() - LONG_AGO)

    assert kinds() == {"unexplained sale", "not delivered"}
    assert Finding.objects.get(what=What.UNEXPLAINED_SALE, unit="coins").order == delivered


def test_coins_that_were_sold_a_second_time_are_found(delivered, alice):
    move = Move(debit=ledger.house(AccountKind.ISSUED), credit=ledger.coins_of(alice.pk), amount=350)
    ledger.transfer(move, home=alice.pk, key=uuid.uuid4(), kind=TransferKind.SALE, cause=f"order:{delivered.pk}")

    assert found() == {("unexplained sale", 0, 350)}


def test_coins_that_were_sold_for_no_order_are_found_and_stay_found(committed, alice, plant):
    give_coins(alice, 99)
    assert found() == {("unexplained sale", 0, 99)}

    plant("UPDATE wallet_transfer SET created_at = now() - interval '1 day'")
    assert found() == {("unexplained sale", 0, 99)}


def test_coins_of_an_order_that_went_to_somebody_else_are_found(delivered, people, plant):
    mallory = people("mallory")
    plant("UPDATE payments_order SET recipient_id = %s", mallory.pk)

    assert {("not credited", 350, 0), ("not credited", 337, 0), ("not credited", 78, 0)} <= found()


def test_money_that_came_and_did_not_settle_its_order_is_found(committed, order, evidence_of):
    Payment.objects.create(
        order=order, intent_id="pi_1", session_id="cs_1", amount_minor=415, currency="EUR", is_live=False
    )

    assert found() == {("not delivered", 415, 415)}


def test_a_payment_that_was_changed_by_one_is_found(delivered, plant):
    plant("UPDATE payments_payment SET amount_minor = amount_minor + 1")

    assert found() == {("wrong amount", 415, 416)}


def test_money_that_never_agreed_is_found_until_somebody_has_decided_about_it(committed, alice, order, evidence_of):
    settlement.settle(order.pk, evidence_of(order, amount_minor=414))
    assert found() == {("wrong amount", 415, 414)}
    assert "it is 414, the order 415 EUR" in Finding.objects.get().detail

    quarantine.deliver(Payment.objects.get().pk, by=alice, reason="It is a cent.")
    assert found() == set()


@pytest.mark.parametrize("state", ["received", "dead"])
def test_an_event_that_nobody_worked_on_is_found_and_its_order_is_named(committed, order, event_about, state):
    Order.objects.update(session_id=f"cs_test_{order.number}")
    event = event_about(order)
    inbox.store(event)
    assert found() == set()

    StripeEvent.objects.update(state=state, received_at=timezone.now() - timedelta(seconds=61))
    assert kinds() == {"event waits"}
    row = Finding.objects.get()
    assert (row.reference, row.order) == (event["id"], order)

    StripeEvent.objects.update(due_at=timezone.now(), state="received")
    inbox.work(event["id"])
    assert found() == set()


@pytest.mark.parametrize("state", ["waiting", "dead"])
def test_a_request_that_was_never_sent_is_found(committed, state):
    with transaction.atomic():
        outgoing.write("letter", "hello")
    assert found() == set()

    Outgoing.objects.update(state=state, written_at=timezone.now() - timedelta(seconds=61))
    assert kinds() == {"request waits"}


@pytest.mark.parametrize("by", [1, -1])
def test_a_balance_that_was_changed_by_one_is_found_and_stays_found(delivered, alice, plant, by):
    plant("UPDATE wallet_account SET balance = balance + %s WHERE kind = 'coins' AND home = %s", by, alice.pk)
    assert found() == {("wrong balance", 350, 350 + by)}
    assert Finding.objects.get().reference == str(Account.objects.get(kind="coins", home=alice.pk).pk)

    Order.objects.update(created_at=timezone.now() - LONG_AGO, settled_at=timezone.now() - LONG_AGO)
    Payment.objects.update(recorded_at=timezone.now() - LONG_AGO)
    plant("UPDATE wallet_transfer SET created_at = now() - interval '1 day'")
    assert found() == {("wrong balance", 350, 350 + by)}


def test_what_was_mended_is_gone(delivered, alice, plant):
    plant("UPDATE wallet_account SET balance = balance + 1 WHERE kind = 'coins'")
    assert kinds() == {"wrong balance"}

    plant("UPDATE wallet_account SET balance = balance - 1 WHERE kind = 'coins'")
    assert found() == set()
    assert Finding.objects.get().gone_at is not None


def test_an_order_that_something_was_found_about_is_looked_at_however_old_it_becomes(delivered, plant):
    plant("DELETE FROM wallet_transfer WHERE kind = %s", int(TransferKind.MONEY_TAXED))
    assert kinds() == {"not credited"}

    Order.objects.update(created_at=timezone.now() - LONG_AGO, settled_at=timezone.now() - LONG_AGO)
    Payment.objects.update(recorded_at=timezone.now() - LONG_AGO)
    plant("UPDATE wallet_transfer SET created_at = now() - interval '1 day'")
    assert kinds() == {"not credited"}


def test_nothing_is_found_about_orders_that_are_being_settled_meanwhile(committed, alice, order_of, evidence_of):
    orders = [order_of(alice, coins) for coins in range(100, 110)]

    def settle_all():
        for order in orders:
            settlement.settle(order.pk, evidence_of(order))

    def look_again_and_again():
        for _ in range(20):
            coherence.check("")

    assert at_once(settle_all, look_again_and_again) == [None, None]
    assert Transfer.objects.filter(kind=TransferKind.SALE).count() == 10
    assert not Finding.objects.exists()


def test_the_sweep_looks_each_half_minute_also_while_the_provider_is_away(delivered, sandbox, rested, plant):
    plant("UPDATE wallet_account SET balance = balance + 1 WHERE kind = 'coins'")
    Duty.objects.update(due_at=timezone.now())
    sandbox.turn(api="down")
    sweep.do_duties()

    assert Finding.objects.get().what == "wrong balance"
    wait = Duty.objects.get(pk="check coherence").due_at - timezone.now()
    assert timedelta(seconds=20) < wait < timedelta(seconds=31)
    assert "check coherence" not in duties.due()
