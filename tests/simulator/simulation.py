"""The real ledger and its model, side by side: what is asked of one is asked of the other, with faults in between."""

import queue
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import psycopg2
import real_services
from django.db import connection, transaction
from simulator.model import HOUSE, Book, Name, Row
from simulator.operations import CONTENDED, Crowd, Use

from coinshop.accounts.models import User
from wallet import audit, ledger
from wallet.ledger import Posted

PEOPLE = 12
AUDIT_EVERY = 1000

# What happens to a use on its way, and how often.
FAULTS = {
    "nothing": 72,
    "the reply is lost": 7,
    "a crash before the commit": 7,
    "a crash between two calls": 4,
    "a roll-up in between": 3,
    "another at once": 4,
    "another at once, behind a third": 3,
    "an account is closed or opened again": 0.7,
}

# Everything that a step may change, in one question: accounts and what they show, transfers since, and the next number.
STATE = """PREPARE state (bigint) AS
    SELECT (SELECT json_agg(json_build_array(a.id, a.home, a.kind, a.unit, a.balance + coalesce(p.amount, 0)))
              FROM wallet_account a
              LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM wallet_pendingcredit GROUP BY 1) p
                ON p.account_id = a.id),
           (SELECT json_agg(json_build_array(
                     id, home, key, kind, cause, debit_account_id, debit_amount, credit_account_id, credit_amount,
                     debit_balance_after, reverses) ORDER BY id)
              FROM wallet_transfer WHERE id > $1),
           (SELECT last_value + is_called::int FROM wallet_transfer_id_seq),
           (SELECT count(*) FROM wallet_pendingcredit)"""

TOTALS = """
    SELECT a.home, a.kind, a.unit, coalesce(sum(e.amount), 0)::bigint, (SELECT count(*) FROM wallet_transfer)
      FROM wallet_account a LEFT JOIN wallet_entry e ON e.account_id = a.id GROUP BY a.id"""


class Violation(Exception):
    """The ledger did what its model does not. `rule` says which comparison failed."""

    def __init__(self, rule: str, use: object, expected: object, found: object) -> None:
        super().__init__(f"{rule}\n  use       {use}\n  expected  {expected}\n  found     {found}")
        self.rule = rule
        self.step = 0


@dataclass
class State:
    """What the database says after a step."""

    shown: dict[Name, int]
    new: list[Row]
    next_id: int
    pending: int


@dataclass
class Simulation:
    """One run: everything in it follows from the seed."""

    seed: int
    weights: dict[str, float] = field(default_factory=lambda: FAULTS)
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    steps: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.book = Book(_make_people())
        self.crowd = Crowd(self.rng, self.book)
        self.last_id = 0
        for _ in range(PEOPLE * 2):  # so that not everybody's accounts have their numbers in the same order
            self.crowd.open_account().of(ledger, [])
        with connection.cursor() as cursor:
            cursor.execute(STATE)
        self.now = self.read()
        self.book.has |= dict.fromkeys(self.now.shown, 0)
        self.book.next_id = self.now.next_id

    def run(self, steps: int) -> "Simulation":
        """Take so many steps. Raises the first Violation, with the step it happened in."""
        try:
            with _helpers() as (self.first, self.second, self.owner):
                for self.steps in range(1, steps + 1):
                    self.step()
                    if self.steps % AUDIT_EVERY == 0:
                        self.look_over_everything()
                self.look_over_everything()
        except Violation as violation:
            violation.step = self.steps
            raise
        except Exception as surprise:
            surprise.add_note(f"at step {self.steps} of seed {self.seed}")
            raise
        return self

    def step(self) -> None:
        fault = self.rng.choices(list(self.weights), list(self.weights.values()))[0]
        use = self.crowd.next_use()
        self.counts[use.what] += 1
        self.faults[fault] += 1
        DO[fault](self, use)
        self.book.next_id = self.now.next_id
        self.book.steps.clear()
        for row in self.now.new:
            self.crowd.told[row.kind].append(row)
            self.last_id = row.id

    # What may happen to a use ----------------------------------------------------------------------------------------

    def plainly(self, use: Use) -> None:
        pending = self.now.pending
        found, expected = perform(use, ledger), perform(use, self.book)
        self.compare(use, expected, found)
        if use.what == "roll_up" and self.now.pending:
            raise Violation("a roll-up folds everything", use, f"{pending} credits folded", f"{self.now.pending} left")

    def reply_is_lost(self, use: Use) -> None:
        perform(use, ledger)
        found = perform(use, ledger)
        perform(use, self.book)
        self.compare(use, perform(use, self.book), found)

    def crash_before_the_commit(self, use: Use) -> None:
        self._crash(use, len(use.calls))
        self.plainly(use)

    def crash_between_two_calls(self, use: Use) -> None:
        done = self.rng.randint(0, len(use.calls) - 1)
        if use.is_atomic:
            self._crash(use, done)
        else:
            part = replace(use, calls=use.calls[:done])
            perform(part, ledger), perform(part, self.book)
        self.plainly(use)

    def roll_up_in_between(self, use: Use) -> None:
        calls = [call for planned in use.calls for call in [self.crowd.roll_up(), planned]]
        self.plainly(replace(use, calls=[*calls, self.crowd.roll_up()], is_atomic=True))

    def another_at_once(self, use: Use) -> None:
        """One transaction is open while another use comes; then it commits, or crashes."""
        use, other, crashes = replace(use, is_atomic=True), self.crowd.near(use), self.rng.random() < 0.25
        with transaction.atomic():
            found = perform(use, ledger)
            answer = self.second.start(other)
            self._wait(self.second)
            transaction.set_rollback(crashes)
        if crashes:
            mark = self.book.mark()
            perform(use, self.book)
            self.book.back_to(mark)
            self.compare(other, perform(other, self.book), answer())
        else:
            self.compare_turns((use, found), (other, answer()))

    def another_behind_a_third(self, use: Use) -> None:
        """Somebody holds one account. Two uses come, and may have got hold of others before they wait for it."""
        use = self.crowd.next_use(CONTENDED) if self.rng.random() < 0.7 else use
        uses = [replace(what, calls=what.calls[:1]) for what in [use, self.crowd.near(use)]]
        touched = [self._touches(what) for what in uses]
        held = self.rng.choice(sorted(touched[0] & touched[1] or touched[0] | touched[1]) or list(self.now.shown))
        with self.owner, self.owner.cursor() as cursor:
            cursor.execute("SELECT FROM wallet_account WHERE id = %s FOR UPDATE", [self.book.numbers[held]])
            answers = []
            for worker, what in zip([self.first, self.second], uses, strict=True):
                answers.append((what, worker.start(what)))
                self._wait(worker)
        self.compare_turns(*((what, answer()) for what, answer in answers))

    def _touches(self, use: Use) -> set[Name]:
        """The people's accounts that there are and that a use would change."""
        mark, start = self.book.mark(), self.book.next_id
        perform(use, self.book)
        touched = {key for kept, key, _old in self.book.steps if kept is self.book.has and key in self.now.shown}
        self.book.back_to(mark)
        self.book.next_id = start
        return {name for name in touched if name.home != HOUSE}

    def account_closes_or_opens_again(self, use: Use) -> None:
        closed = [name for name, is_closed in self.book.closed.items() if is_closed]
        is_closed = not closed or self.rng.random() < 0.4
        name = self.rng.choice([name for name in self.now.shown if name.home] if is_closed else closed)
        when = "now()" if is_closed else "NULL"
        with self.owner, self.owner.cursor() as cursor:
            cursor.execute(f"UPDATE wallet_account SET closed_at = {when} WHERE id = %s", [self.book.numbers[name]])
        self.book.close(name, is_closed=is_closed)
        self.plainly(use)

    def _crash(self, use: Use, done: int) -> None:
        """The first calls happen in one transaction, and then nothing of them has happened."""
        part, mark = replace(use, calls=use.calls[:done], is_atomic=True), self.book.mark()
        with transaction.atomic():
            perform(part, ledger)
            transaction.set_rollback(True)
        perform(part, self.book)
        self.book.back_to(mark)

    def _wait(self, worker: "Worker") -> None:
        """Until somebody at work is done, or waits for a lock."""
        while not worker.is_done.wait(0.0005) and not worker.is_blocked():
            pass

    # Comparing -------------------------------------------------------------------------------------------------------

    def read(self) -> State:
        with connection.cursor() as cursor:
            cursor.execute("EXECUTE state (%s)", [self.last_id])
            accounts, rows, next_id, pending = cursor.fetchone()
        for number, home, kind, unit, _shows in accounts:
            if number not in self.book.names:
                self.book.is_called(number, Name(home, kind, unit))
        name = self.book.names.get
        new = [
            Row(number, home, uuid.UUID(key), kind, cause, name(debit), out, name(credit), come, after, undoes)
            for number, home, key, kind, cause, debit, out, credit, come, after, undoes in rows or []
        ]
        return State({self.book.names[number]: shows for number, *_, shows in accounts}, new, next_id, pending)

    def compare(self, use: Use, expected: list[Any], found: list[Any]) -> None:
        self.now = self.read()
        if violation := self._violation([(use, expected, found)]):
            raise violation

    def compare_turns(self, one: tuple[Use, Any], another: tuple[Use, Any]) -> None:
        """What two did at once must be what they would have done one after the other, in one of the two orders."""
        self.now, mark, violations = self.read(), self.book.mark(), []
        start, drawn = self.book.next_id, self.now.next_id - self.book.next_id
        for (first, first_found), (second, second_found) in [(one, another), (another, one)]:
            for is_numbered_later in [False, True]:
                self.book.next_id = start
                if is_numbered_later:
                    perform(first, self.book)
                    self.book.back_to(mark)
                    self.book.next_id = start + drawn - (self.book.next_id - start)
                first_expected = perform(first, self.book)
                if is_numbered_later:
                    self.book.next_id = start
                second_expected = perform(second, self.book)
                told = [(first, first_expected, first_found), (second, second_expected, second_found)]
                violation = self._violation(told)
                if violation is None:
                    return
                violations.append(violation)
                self.book.back_to(mark)
        violations[0].rule = f"two at once are one after the other: {violations[0].rule}"
        raise violations[0]

    def _violation(self, told: list[tuple[Use, list[Any], list[Any]]]) -> Violation | None:
        """The first difference between the books and what was told and is there now."""
        uses = " | ".join(str(use) for use, *_ in told)
        for use, expected, found in told:
            if expected != (named := [self._named(answer) for answer in found]):
                return Violation("answers agree", f"{use} (of {uses})" if len(told) > 1 else use, expected, named)
        shown, should = self.now.shown, self.book.has
        if shown.keys() != should.keys():
            return Violation("accounts agree", uses, should.keys() - shown.keys(), shown.keys() - should.keys())
        if wrong := [name for name, has in shown.items() if name.home != HOUSE and has != should[name]]:
            return Violation("balances agree", uses, _only(should, wrong), _only(shown, wrong))
        ids = range(self.last_id + 1, max(self.now.next_id, self.book.next_id))
        rows = [self.book.by_id[number] for number in ids if number in self.book.by_id]
        if rows != self.now.new:
            found = [row for row in self.now.new if row not in rows]
            return Violation("transfers agree", uses, [row for row in rows if row not in self.now.new], found)
        return None

    def _named(self, answer: Any) -> Any:
        """An answer that calls accounts as the model does."""
        if isinstance(answer, Posted):
            return replace(answer, paid_by=self.book.names.get(answer.paid_by))
        return self.book.names.get(answer) if isinstance(answer, int) else answer

    def look_over_everything(self) -> None:
        """The audit's own questions, every account's transfers added up, and what statements say."""
        with connection.cursor() as cursor:
            cursor.execute(TOTALS)
            rows = cursor.fetchall()
        totals = {Name(home, kind, unit): total for home, kind, unit, total, _count in rows}
        if wrong := [name for name, total in totals.items() if total != self.book.has[name]]:
            raise Violation("totals agree", "totals", _only(self.book.has, wrong), _only(totals, wrong))
        if rows[0][4] != len(self.book.rows):
            raise Violation("the transfers are as many", "count", len(self.book.rows), rows[0][4])
        for name in [name for name in totals if name.home != HOUSE]:
            lines = ledger.statement(self.book.numbers[name], limit=3)
            if lines and lines[0].balance_after != totals[name]:
                raise Violation("statements end with the balance", name, totals[name], lines[0])
        for rule, sql in audit.CHECKS.items():
            if findings := list(audit.broken(rule, sql)):
                raise Violation("the audit finds nothing", rule, "no findings", findings[:3])


DO: dict[str, Callable[[Simulation, Use], None]] = dict(
    zip(
        FAULTS,
        [
            Simulation.plainly,
            Simulation.reply_is_lost,
            Simulation.crash_before_the_commit,
            Simulation.crash_between_two_calls,
            Simulation.roll_up_in_between,
            Simulation.another_at_once,
            Simulation.another_behind_a_third,
            Simulation.account_closes_or_opens_again,
        ],
        strict=True,
    )
)


def perform(use: Use, books: Any) -> list[Any]:
    """Do what a use says, in the ledger or in its model, up to the first refusal; what was answered."""
    answers: list[Any] = []
    with _undone_if_refused(books, answers) if use.is_atomic else nullcontext():
        for call in use.calls:
            answers.append(call.of(books, answers))
            if isinstance(answers[-1], str):
                break
    return answers


@contextmanager
def _undone_if_refused(books: Any, answers: list[Any]) -> Iterator[None]:
    if isinstance(books, Book):
        mark = books.mark()
        yield
        if answers and isinstance(answers[-1], str):
            books.back_to(mark)
    else:
        with transaction.atomic():
            yield
            transaction.set_rollback(bool(answers) and isinstance(answers[-1], str))


class Worker:
    """A thread with a connection of its own, for the second of two at once."""

    def __init__(self, watch: Any) -> None:
        self.watch, self.todo, self.told = watch, queue.SimpleQueue(), queue.SimpleQueue()
        self.is_done = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()
        self.pid = self.told.get()

    def start(self, use: Use) -> Callable[[], list[Any]]:
        self.is_done.clear()
        self.todo.put(use)
        return self.told.get

    def is_blocked(self) -> bool:
        with self.watch.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [self.pid])
            return bool(cursor.fetchone()[0])

    def end(self) -> None:
        self.todo.put(None)
        self.thread.join()

    def _work(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.told.put(cursor.fetchone()[0])
        while use := self.todo.get():
            self.told.put(perform(use, ledger))
            self.is_done.set()
        connection.close()


@contextmanager
def _helpers() -> Iterator[tuple[Worker, Worker, Any]]:
    """Two who work at once, and the owner, who may hold and close accounts."""
    address = real_services.owner_url(connection.settings_dict["NAME"])
    owner, watch = psycopg2.connect(address), psycopg2.connect(address)
    watch.autocommit = True
    workers = [Worker(watch), Worker(watch)]
    try:
        yield (*workers, owner)
    finally:
        for worker in workers:
            worker.end()
        owner.close()
        watch.close()


def _make_people() -> list[int]:
    about = {"country": "IE", "birth_date": date(1990, 5, 20), "password": "!"}
    names = [f"person{number}" for number in range(PEOPLE)]
    people = [User(email=f"{name}@example.com", handle=name, **about) for name in names]
    return [person.pk for person in User.objects.bulk_create(people)]


def _only(amounts: dict[Name, int], names: list[Name]) -> dict[Name, int]:
    return {name: amounts[name] for name in names}
