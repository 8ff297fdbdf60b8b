"""One question, asked of the ledger in every way it can be asked."""

import uuid
from dataclasses import fields

import pytest
from conftest import give_coins

from wallet import ledger
from wallet.ledger import AccountKind, Entry, Move, TransferKind


class Asker:
    """Somebody with 1,000 coins and a debt of 300, who asks for one thing in every way there is.

    300 coins are given, taken back, or pay the debt; a test says what is wrong with the question.
    """

    def __init__(self, person, creator):
        self.person, self.creator = person.pk, creator.pk
        self.debit, self.credit = ledger.coins_of(self.person), ledger.diamonds_of(self.creator)
        self.debt = ledger.account(AccountKind.RECEIVABLE, self.person)
        give_coins(person, 1000)
        owed = {"person": self.person, "amount": 300, "key": uuid.uuid4(), "cause": "refund:1"}
        ledger.post(TransferKind.TAKEN_AS_DEBT, **owed)

    def transfer(self, **wrong):
        move, facts = self.movement(wrong)
        return ledger.transfer(move, **facts)

    def together(self, **wrong):
        (answer,) = ledger.transfer_many([self.entry(**wrong)])
        return answer

    def each_for_itself(self, **wrong):
        """A refusal is an answer here; it is raised to be like the others."""
        (answer,) = ledger.transfer_many([self.entry(**wrong)], each_for_itself=True)
        if answer.outcome in ledger.REFUSALS:
            raise ledger.REFUSALS[answer.outcome]
        return answer

    def post(self, **wrong):
        gift = {"person": self.person, "other": self.creator, "amount": 300, "amount_in": 150}
        facts = self.named(TransferKind.GIFT) | gift | wrong
        return ledger.post(facts.pop("kind"), **facts)

    def take_up_to(self, **wrong):
        taking = {"person": self.person, "amount": 300, "rest_as": TransferKind.TAKEN_AS_DEBT}
        facts = self.named(TransferKind.TAKEN_BACK) | taking | wrong
        return ledger.take_up_to(facts.pop("kind"), facts.pop("amount"), **facts)

    def repay(self, **wrong):
        facts = {"person": self.person, "key": uuid.uuid4(), "cause": "order:1"} | wrong
        return ledger.repay(facts.pop("person"), **facts)

    def entry(self, **wrong):
        move, facts = self.movement(wrong)
        return Entry(move=move, **facts)

    def movement(self, wrong):
        gift = {"debit": self.debit, "credit": self.credit, "amount": 300, "amount_in": 150, "home": self.person}
        facts = self.named(TransferKind.GIFT) | gift | wrong
        return Move(**{field.name: facts.pop(field.name) for field in fields(Move) if field.name in facts}), facts

    def named(self, kind):
        return {"kind": kind, "key": uuid.uuid4(), "cause": "gift:1"}


@pytest.fixture
def asker(alice, bob):
    return Asker(alice, bob)


@pytest.fixture
def other_asker(carol, bob):
    return Asker(carol, bob)
