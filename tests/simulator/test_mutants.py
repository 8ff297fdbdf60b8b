"""Each planted bug is found by the simulator, and by the comparison that it breaks."""

import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import real_services
from simulator.scratch import NAME, scratch_database
from simulator.simulation import FAULTS, Simulation, Violation

from wallet import ledger

LEDGER = (Path(__file__).parents[2] / "wallet" / "sql" / "ledger.sql").read_text()
FUNCTIONS = re.findall(r"^CREATE FUNCTION .*?\$\$;$", LEDGER, re.DOTALL | re.MULTILINE)
STEPS = 4000
ANSWERS, BALANCES, TRANSFERS = "answers agree", "balances agree", "transfers agree"
AT_ONCE = "two at once are one after the other: answers agree"
CROSSWISE = FAULTS | {"another at once, behind a third": 300}
OVERDRAFTS = {
    "wallet_account": ["people_are_never_overdrawn", "debts_are_never_overpaid"],
    "wallet_transfer": ["nobody_was_ever_overdrawn"],
}


@dataclass(frozen=True)
class Mutant:
    """Texts of the ledger's functions with what takes their place, without the constraints that would stop the bug."""

    rule: str | tuple[str, ...]
    texts: tuple[tuple[str, str], ...]
    without: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, float] = field(default_factory=lambda: FAULTS)
    seed: int = 1


def mutant(rule: str | tuple[str, ...], *texts: str, **more: Any) -> Mutant:
    return Mutant(rule, tuple(zip(texts[::2], texts[1::2], strict=True)), **more)


MUTANTS = {
    "a key is not looked up": mutant(
        *[
            ANSWERS,
            "FROM wallet_transfer WHERE home = at_home AND key = with_key;",
            "FROM wallet_transfer WHERE false;",
        ],
        without={"wallet_transfer": ["one_transfer_per_key"]},
    ),
    "a key is looked up whoever it belongs to": mutant(
        *[ANSWERS, "FROM wallet_transfer WHERE home = at_home AND key = with_key;"],
        "FROM wallet_transfer WHERE key = with_key ORDER BY id LIMIT 1;",
    ),
    "a key answers whatever it is used for": mutant(
        *[ANSWERS, "THEN 'replayed' ELSE 'conflict' END;\n    RETURN;\n  END IF;\n\n  SELECT pays"],
        "THEN 'replayed' ELSE 'replayed' END;\n    RETURN;\n  END IF;\n\n  SELECT pays",
    ),
    "duplicates do not take turns": mutant(
        AT_ONCE, "PERFORM pg_advisory_xact_lock(uuid_hash_extended(with_key, at_home));  -- dup", "PERFORM 1;  -- dup"
    ),
    "funds are not looked at": mutant(
        ANSWERS, "AND (balance >= amount_out OR posting = 'owed')", "", without=OVERDRAFTS
    ),
    "a deferred credit is lost": mutant(
        BALANCES, "ELSIF fact.gets = 'deferred' AND amount_in > 0", "ELSIF fact.gets = 'deferred' AND amount_in > 50"
    ),
    "a deferred credit comes twice": mutant(
        *[BALANCES, "VALUES (payee, fact.payee_home, amount_in);"],
        "VALUES (payee, fact.payee_home, amount_in), (payee, fact.payee_home, amount_in);",
    ),
    "a roll-up deletes nothing": mutant(
        *[
            BALANCES,
            "DELETE FROM wallet_pendingcredit p USING free",
            "SELECT p.account_id, p.amount FROM wallet_pendingcredit p, free",
        ],
        *["WHERE p.account_id = free.id RETURNING p.account_id, p.amount", "WHERE p.account_id = free.id"],
    ),
    "a roll-up forgets half": mutant(
        (ANSWERS, BALANCES), "sum(amount)::bigint AS amount, count", "sum(amount)::bigint / 2 AS amount, count"
    ),
    "a roll-up of everything folds nothing": mutant(
        "a roll-up folds everything", "coalesce(only_account, p.account_id))", "only_account)"
    ),
    "more is undone than was done": mutant(
        ANSWERS, "amount_in > ledger_undoable(undoes, at_home, payee, payer)", "amount_in > 1000000000000"
    ),
    "a taking is all debt": mutant(ANSWERS, "SELECT least(amount, pays.balance,", "SELECT least(amount, 0,"),
    "a split is not remembered": mutant(ANSWERS, "IF rows > 0 THEN", "IF false THEN"),
    "a debt is overpaid": mutant(
        *[ANSWERS, "CASE WHEN gets.posting = 'owed' THEN -gets.balance END", "NULL"],
        *["amount_in > (SELECT -balance FROM wallet_account WHERE id = payee)", "false"],
        without=OVERDRAFTS,
    ),
    "given coins pay what they can": mutant(
        *[
            ANSWERS,
            "SET balance = balance - amount_out\n      WHERE id = rather",
            "SET balance = 0\n      WHERE id = rather",
        ],
        *["closed_at IS NULL AND balance >= amount_out\n", "closed_at IS NULL AND balance > 0\n"],
    ),
    "somebody else's given coins pay": mutant(ANSWERS, "WHERE id = rather AND home = at_home", "WHERE id = rather"),
    "a batch is not covered": mutant(
        ANSWERS,
        "w.balance_after IS NULL OR w.balance_after >= 0 AS is_covered",
        "true AS is_covered",
        without=OVERDRAFTS,
    ),
    "a batch posts what it can": mutant(BALANCES, "(each_for_itself OR NOT EXISTS", "(true OR NOT EXISTS"),
    "a batch is written backwards": mutant(
        ANSWERS, "ORDER BY c.ordinality RETURNING", "ORDER BY c.ordinality DESC RETURNING"
    ),
    "a batch forgets what arrived in it": mutant(
        TRANSFERS, "c.balance_after + coalesce(a.amount, 0)", "c.balance_after"
    ),
    "what is left is wrong": mutant(
        ANSWERS, "CASE WHEN posting <> 'owed' THEN balance END", "CASE WHEN posting <> 'owed' THEN balance + 1 END"
    ),
    "anybody's home will do": mutant(ANSWERS, "OR NOT fact.is_even OR NOT fact.is_at_home", "OR NOT fact.is_even"),
    "closed accounts are paid": mutant(ANSWERS, "WHEN NOT fact.is_open THEN 'closed'", ""),
    "what leaves is what arrives": mutant(
        BALANCES,
        "SET balance = balance + amount_in WHERE id = payee",
        "SET balance = balance + amount_out WHERE id = payee",
    ),
    "a debt is locked late": mutant(
        AT_ONCE, "a.id IN (payer, rest_payer, payee)", "a.id IN (payer, payee)", faults=CROSSWISE, seed=3
    ),
    "a purse that would rather pay is locked late": mutant(
        AT_ONCE, "WHERE id IN (payer, payee, rather)", "WHERE id IN (payer, payee)", faults=CROSSWISE, seed=2
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name, django_db_blocker):
    planted = MUTANTS[name]
    with django_db_blocker.unblock(), scratch_database():
        plant(planted)
        violation = violation_of(Simulation(planted.seed, planted.faults))

    assert violation.rule.endswith(planted.rule), violation


def test_amounts_that_python_swaps_are_found(django_db_blocker, monkeypatch):
    def swapped(move):
        amount_in = move.amount if move.amount_in is None else move.amount_in
        return [move.debit, amount_in or move.amount, move.credit, move.amount, move.rather, move.rather_in]

    monkeypatch.setattr(ledger.Move, "as_row", swapped)
    with django_db_blocker.unblock(), scratch_database():
        violation = violation_of(Simulation(1))

    assert violation.rule in [ANSWERS, BALANCES]


def violation_of(simulation: Simulation) -> Violation:
    with pytest.raises(Violation) as found:
        simulation.run(STEPS)
    return found.value


def plant(planted: Mutant) -> None:
    with closing(psycopg2.connect(real_services.owner_url(NAME))) as owner, owner, owner.cursor() as cursor:
        for function in changed(planted.texts):
            cursor.execute(function)
        for table, constraints in planted.without.items():
            for constraint in constraints:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")


def changed(texts: Iterable[tuple[str, str]]) -> list[str]:
    """The functions that hold the texts, with what takes their place; each text is in one place only."""
    now = dict(enumerate(FUNCTIONS))
    touched = set()
    for old, new in texts:
        (where,) = [number for number, function in now.items() if old in function]
        assert now[where].count(old) == 1
        now[where] = now[where].replace(old, new)
        touched.add(where)
    return [now[number].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1) for number in sorted(touched)]
