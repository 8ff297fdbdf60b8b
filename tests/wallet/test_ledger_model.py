"""Random movements against a model of a few lines: in whatever order, the two agree and the books are exact."""

import uuid

import pytest
from conftest import person
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from wallet import audit, ledger
from wallet.ledger import AccountKind, Balances, Move, TransferKind

people = some.integers(0, 2)
amounts = some.one_of(some.integers(1, 12), some.integers(1, 1000))


class Shop(RuleBasedStateMachine):
    """Three people who buy, give and exchange; `have` and `told` are what a child would write down of it."""

    def __init__(self):
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.ids = [person(name).pk for name in ["ann", "ben", "cat"]]
        self.have = [{"coins": 0, "promo": 0, "diamonds": 0} for _ in self.ids]
        self.told = []  # every movement that was posted, with its key and what was answered

    def teardown(self):
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    @rule(who=people, amount=amounts)
    def buy(self, who, amount):
        house, mine = ledger.house(AccountKind.ISSUED), ledger.coins_of(self.ids[who])
        self.post(who, Move(debit=house, credit=mine, amount=amount), TransferKind.SALE)
        self.have[who]["coins"] += amount

    @rule(who=people, amount=amounts)
    def be_given(self, who, amount):
        house, mine = ledger.house(AccountKind.PROMO_ISSUED), ledger.promo_of(self.ids[who])
        self.post(who, Move(debit=house, credit=mine, amount=amount), TransferKind.BONUS)
        self.have[who]["promo"] += amount

    @rule(who=people, to=people, amount=amounts, share=some.integers(0, 3))
    def give(self, who, to, amount, share):
        move = Move(
            debit=ledger.coins_of(self.ids[who]),
            credit=ledger.diamonds_of(self.ids[to]),
            amount=amount,
            amount_in=amount // 2,
            rather=ledger.promo_of(self.ids[who]),
            rather_in=amount * share // 10,
        )
        purse = next((purse for purse in ["promo", "coins"] if self.have[who][purse] >= amount), None)
        if self.post(who, move, TransferKind.GIFT, is_refused=purse is None):
            self.have[who][purse] -= amount
            self.have[to]["diamonds"] += move.rather_in if purse == "promo" else move.amount_in

    @rule(who=people, amount=amounts)
    def exchange(self, who, amount):
        move = Move(
            debit=ledger.diamonds_of(self.ids[who]),
            credit=ledger.coins_of(self.ids[who]),
            amount=amount,
            amount_in=amount // 3,
        )
        if self.post(who, move, TransferKind.GIFT, is_refused=self.have[who]["diamonds"] < amount):
            self.have[who]["diamonds"] -= amount
            self.have[who]["coins"] += amount // 3

    @rule(who=people, to=people, amount=amounts)
    def overspend(self, who, to, amount):
        too_much = self.have[who]["coins"] + amount
        move = Move(debit=ledger.coins_of(self.ids[who]), credit=ledger.diamonds_of(self.ids[to]), amount=too_much)
        self.post(who, move, TransferKind.GIFT, is_refused=True)

    @precondition(lambda self: self.told)
    @rule(data=some.data())
    def repeat(self, data):
        who, move, kind, key, first = data.draw(some.sampled_from(self.told))
        again = ledger.transfer(move, home=self.ids[who], key=key, kind=kind, cause="of a model")

        assert not again.is_new
        assert (again.transfer_id, again.paid_by) == (first.transfer_id, first.paid_by)
        assert again.balance_after == first.balance_after

    @precondition(lambda self: self.told)
    @rule(data=some.data(), more=amounts)
    def use_a_key_for_something_else(self, data, more):
        who, move, kind, key, _first = data.draw(some.sampled_from(self.told))
        other = Move(debit=move.debit, credit=move.credit, amount=move.amount + more, amount_in=move.amount_in)
        with pytest.raises(ledger.IdempotencyConflict):
            ledger.transfer(other, home=self.ids[who], key=key, kind=kind, cause="of a model")

    @rule()
    def roll_up(self):
        ledger.roll_up()

    @invariant()
    def everybody_has_what_the_model_says(self):
        assert [ledger.balances(who) for who in self.ids] == [Balances(**have) for have in self.have]

    @invariant()
    def nothing_was_posted_but_what_we_were_told_of(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM wallet_transfer WHERE home = ANY(%s) ORDER BY id", [self.ids])
            posted = [transfer for (transfer,) in cursor.fetchall()]

        assert posted == [first.transfer_id for *_, first in self.told]

    @invariant()
    def the_books_are_exact(self):
        assert list(audit.findings()) == []

    def post(self, who, move, kind, *, is_refused=False):
        """Post under a new key; whether it went through, which must be as the model expects."""
        key = uuid.uuid4()
        try:
            posted = ledger.transfer(move, home=self.ids[who], key=key, kind=kind, cause="of a model")
        except ledger.InsufficientFunds:
            assert is_refused
            return False
        assert not is_refused
        self.told.append((who, move, kind, key, posted))
        return True


def test_whatever_happens_the_ledger_agrees_with_its_model(db, settings_of_the_ledger_alone):
    run_state_machine_as_test(
        Shop,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def settings_of_the_ledger_alone(settings, monkeypatch):
    """No orders and no gifts stand behind these movements, and an exchange has no kind of its own yet."""
    settings.LEDGER_AUDITS = []
    monkeypatch.delitem(audit.CHECKS, "every transfer is of a kind that joins such accounts")
