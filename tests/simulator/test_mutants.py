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
    "TABLE wallet_account": ["balances_keep_to_their_side"],
    "DOMAIN ledger_not_negative": ["nothing_is_below_zero"],
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
        *[ANSWERS, "ON CONFLICT (home, key) DO NOTHING RETURNING id", "RETURNING id"],
        *["FROM wallet_transfer t WHERE t.home = at_home AND t.key = with_key;", "FROM wallet_transfer t WHERE false;"],
        without={"TABLE wallet_transfer": ["one_transfer_per_key"]},
    ),
    "a key is looked up whoever it belongs to": mutant(
        *[ANSWERS, "FROM wallet_transfer t WHERE t.home = at_home AND t.key = with_key;"],
        "FROM wallet_transfer t WHERE t.key = with_key ORDER BY t.id LIMIT 1;",
    ),
    "a key answers whatever it is used for": mutant(
        *[ANSWERS, "THEN 'replayed' ELSE 'conflict' END\n    INTO transfer_id"],
        "THEN 'replayed' ELSE 'replayed' END\n    INTO transfer_id",
    ),
    "a repeat gives nothing back": mutant(
        BALANCES,
        "SET balance = a.balance + amount_out WHERE a.id = paid_by AND",
        "SET balance = a.balance WHERE a.id = paid_by AND",
    ),
    "a repeat gives a coin too many back": mutant(
        BALANCES,
        "SET balance = a.balance + amount_out WHERE a.id = paid_by AND",
        "SET balance = a.balance + amount_out + 1 WHERE a.id = paid_by AND",
    ),
    "a repeated split does not take turns": mutant(
        AT_ONCE, "PERFORM pg_advisory_xact_lock(uuid_hash_extended(with_key, at_home));\n  SELECT count", "SELECT count"
    ),
    "funds are not looked at": mutant(
        ANSWERS, "AND (a.balance >= amount_out OR a.posting = 'owed')", "AND a.posting <> 'derived'", without=OVERDRAFTS
    ),
    "a deferred credit is lost": mutant(
        BALANCES,
        "ELSIF payee_posting = 'deferred' AND arrived > 0",
        "ELSIF payee_posting = 'deferred' AND arrived > 50",
    ),
    "a deferred credit comes twice": mutant(
        *[BALANCES, "VALUES (payee, payee_home, arrived);"],
        "VALUES (payee, payee_home, arrived), (payee, payee_home, arrived);",
    ),
    "a roll-up deletes nothing": mutant(
        *[
            BALANCES,
            "DELETE FROM wallet_pendingcredit p WHERE",
            "SELECT p.account_id, p.amount FROM wallet_pendingcredit p WHERE",
        ],
        *["IS TRUE\n                  RETURNING p.account_id, p.amount)", "IS TRUE)"],
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
        *["amount_in > (SELECT -a.balance FROM wallet_account a WHERE a.id = payee)", "false"],
        without=OVERDRAFTS,
    ),
    "given coins pay what they can": mutant(
        *[
            ANSWERS,
            "SET balance = a.balance - amount_out FROM wallet_account p",
            "SET balance = 0 FROM wallet_account p",
        ],
        *[
            "a.balance >= amount_out\n          AND (a.unit <> payee_unit OR is_even",
            "a.balance > 0\n          AND (a.unit <> payee_unit OR is_even",
        ],
        *["IF purse >= amount_out THEN", "IF purse > 0 THEN"],
    ),
    "somebody else's given coins pay": mutant(
        ANSWERS, "WHERE a.id = rather AND a.home = at_home", "WHERE a.id = rather"
    ),
    "a batch is not covered": mutant(
        ANSWERS,
        "w.balance_after IS NULL OR w.balance_after >= 0 AS is_covered",
        "true AS is_covered",
        without=OVERDRAFTS,
    ),
    "a batch posts what it can": mutant(BALANCES, "(each_for_itself OR NOT EXISTS", "(true OR NOT EXISTS"),
    "a batch is written backwards": mutant(
        ANSWERS, "ORDER BY p.ordinality RETURNING", "ORDER BY p.ordinality DESC RETURNING"
    ),
    "a batch forgets what arrived in it": mutant(TRANSFERS, "p.balance_after + p.arrived", "p.balance_after"),
    "what is left is wrong": mutant(
        ANSWERS,
        "CASE WHEN a.posting <> 'owed' THEN a.balance END",
        "CASE WHEN a.posting <> 'owed' THEN a.balance + 1 END",
    ),
    "anybody's home will do": mutant(
        ANSWERS, "WHERE a.id = payer AND a.home = at_home AND a.closed_at", "WHERE a.id = payer AND a.closed_at"
    ),
    "closed accounts are paid": mutant(
        ANSWERS, "WHERE a.id = payee AND a.closed_at IS NULL AND a.id <> payer", "WHERE a.id = payee AND a.id <> payer"
    ),
    "what leaves is what arrives": mutant(
        BALANCES,
        "SET balance = a.balance + arrived WHERE a.id = payee",
        "SET balance = a.balance + amount_out WHERE a.id = payee",
        seed=2,
    ),
    "a debt is locked late": mutant(
        AT_ONCE,
        "a.id IN (payer, rest_payer, payee) AND a.posting",
        "a.id IN (payer, payee) AND a.posting",
        faults=CROSSWISE,
        seed=3,
    ),
    "a purse that would rather pay is locked late": mutant(
        AT_ONCE, "WHERE a.id IN (payer, payee, rather)", "WHERE a.id IN (payer, payee)", faults=CROSSWISE, seed=2
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
        for what, constraints in planted.without.items():
            for constraint in constraints:
                cursor.execute(f"ALTER {what} DROP CONSTRAINT {constraint}")


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
