"""Does every balance equal its transfers? Each query lists what breaks one rule, in words that name the account."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.module_loading import import_string

from wallet import postings
from wallet.database import ask
from wallet.models import AccountKind

# The posting table: a kind of transfer, and the kinds of the accounts that it joins.
POSTINGS = ", ".join(
    f"({kind:d}, '{line.debit.value}', '{line.credit.value}')"
    for kind, lines in postings.POSTINGS.items()
    for line in lines
)

CHECKS = {
    "a cached balance and what is on its way equal the account's transfers": """
        SELECT format('account %s (%s of person %s): balance %s and pending %s, but its transfers say %s',
                      a.id, a.kind, a.home, a.balance, coalesce(p.pending, 0), coalesce(t.total, 0))
          FROM wallet_account a
          LEFT JOIN (SELECT account_id, sum(amount) AS total FROM wallet_entry GROUP BY 1) t ON t.account_id = a.id
          LEFT JOIN (SELECT account_id, sum(amount) AS pending FROM wallet_pendingcredit GROUP BY 1) p
            ON p.account_id = a.id
         WHERE NOT a.is_house AND a.balance + coalesce(p.pending, 0) <> coalesce(t.total, 0)""",
    "nobody is or was overdrawn": """
        SELECT format('account %s (%s of person %s): balance %s', id, kind, home, balance)
          FROM wallet_account WHERE NOT is_house AND CASE WHEN posting = 'owed' THEN balance > 0 ELSE balance < 0 END
        UNION ALL
        SELECT format('account %s: %s after transfer %s', debit_account_id, debit_balance_after, id)
          FROM wallet_transfer WHERE debit_balance_after < 0""",
    "what a debit says it left is what its history adds up to": """
        SELECT format('account %s: transfer %s says it left %s, but its history says %s',
                      account_id, transfer_id, balance_after, running)
          FROM (SELECT e.*, sum(e.amount) OVER (PARTITION BY e.account_id ORDER BY e.transfer_id) AS running
                  FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id AND a.posting = 'at once') history
         WHERE balance_after <> running""",
    "every transfer joins two accounts that exist, of its units, at the home of one of them": """
        SELECT format('transfer %s: its accounts, units or home do not fit', t.id)
          FROM wallet_transfer t
          LEFT JOIN wallet_account d ON d.id = t.debit_account_id AND d.unit = t.debit_unit
          LEFT JOIN wallet_account c ON c.id = t.credit_account_id AND c.unit = t.credit_unit
         WHERE d.id IS NULL OR c.id IS NULL OR t.home <= 0
            OR t.home <> CASE WHEN NOT d.is_house THEN d.home WHEN NOT c.is_house THEN c.home ELSE t.home END""",
    "every transfer is of a kind that joins such accounts": f"""
        SELECT format('transfer %s of kind %s went from %s to %s', t.id, t.kind, d.kind, c.kind)
          FROM wallet_transfer t JOIN wallet_account d ON d.id = t.debit_account_id
               JOIN wallet_account c ON c.id = t.credit_account_id
         WHERE (t.kind, d.kind, c.kind) NOT IN ({POSTINGS})""",
    "what takes a transfer back joins its accounts the other way round, and takes back no more than it was": """
        SELECT format('transfer %s takes back %s, which does not fit', back.id, back.reverses)
          FROM wallet_transfer back LEFT JOIN wallet_transfer t ON t.id = back.reverses AND t.id < back.id
               AND (t.home, t.debit_account_id, t.credit_account_id)
                 = (back.home, back.credit_account_id, back.debit_account_id)
         WHERE back.reverses IS NOT NULL AND t.id IS NULL
        UNION ALL
        SELECT format('transfer %s of %s was taken back by %s', t.id, t.debit_amount, sum(back.credit_amount))
          FROM wallet_transfer back JOIN wallet_transfer t ON t.id = back.reverses
         GROUP BY t.id HAVING sum(back.credit_amount) > t.debit_amount""",
    "what people hold of a unit is what the house gave out, and what was exchanged into it or out of it": """
        WITH held AS (
          SELECT unit, sum(amount) AS amount FROM (
            SELECT unit, balance AS amount FROM wallet_account WHERE NOT is_house
            UNION ALL
            SELECT a.unit, p.amount FROM wallet_pendingcredit p JOIN wallet_account a ON a.id = p.account_id) parts
          GROUP BY unit
        ), given AS (
          SELECT unit, sum(amount) AS amount FROM (
            SELECT e.unit, -e.amount AS amount
              FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id AND a.is_house
            UNION ALL
            SELECT credit_unit, credit_amount FROM wallet_transfer WHERE debit_unit <> credit_unit
            UNION ALL
            SELECT debit_unit, -debit_amount FROM wallet_transfer WHERE debit_unit <> credit_unit) parts
          GROUP BY unit
        )
        SELECT format('unit %s: people hold %s, but %s were given out',
                      unit, coalesce(held.amount, 0), coalesce(given.amount, 0))
          FROM held FULL JOIN given USING (unit) WHERE coalesce(held.amount, 0) <> coalesce(given.amount, 0)""",
}


def findings() -> Iterator[str]:
    """Every difference in the books, and in the facts of the apps that keep them; nothing when all is well."""
    with snapshot() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '256MB'")  # a long ledger sorts in memory
        for rule, sql in CHECKS.items():
            yield from broken(rule, sql)
        for path in settings.LEDGER_AUDITS:
            yield from import_string(path)()


@contextmanager
def snapshot() -> Iterator[CursorWrapper]:
    """All questions are asked of one moment, so movements that go on meanwhile are no differences."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield cursor


def broken(rule: str, sql: str) -> Iterator[str]:
    """The rows of a query whose one column says what is wrong, each behind the rule that it breaks."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        for (what,) in cursor.fetchall():
            yield f"broken: {rule}. {what}"


@dataclass(frozen=True)
class Unbalanced:
    """An account whose cached balance, with what is on its way, is not what its transfers add up to."""

    account: int
    kind: AccountKind
    person: int
    says: int
    adds_up_to: int


def unbalanced(people: Collection[int], accounts: Collection[int] = ()) -> list[Unbalanced]:
    """Those accounts of some people, and of some others by their ids, that do not add up: the audit, for a few."""
    rows = ask(
        """SELECT a.id, a.kind, a.home, (a.balance + p.pending)::bigint, t.total::bigint
             FROM wallet_account a
            CROSS JOIN LATERAL (SELECT coalesce(sum(e.amount), 0) AS total
                                  FROM wallet_entry e WHERE e.account_id = a.id) t
            CROSS JOIN LATERAL (SELECT coalesce(sum(c.amount), 0) AS pending
                                  FROM wallet_pendingcredit c WHERE c.account_id = a.id) p
            WHERE NOT a.is_house AND (a.home = ANY(%s) OR a.id = ANY(%s)) AND a.balance + p.pending <> t.total""",
        [[*people], [*accounts]],
    )
    return [Unbalanced(account, AccountKind(kind), *rest) for account, kind, *rest in rows]
