"""Believes nobody: the rules of the books as SQL, the shop's own audit, the provider's own word, and every operation.

A rule is a query that lists what breaks it. To add one, add it to RULES, and plant its violation once in
tests/drills/test_checker.py: a rule that cannot fail proves nothing.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from drills.history import Effects
from drills.shop import Shop

SALE, GIFT = 1, 3

RULES = {
    "of every unit, all entries sum to zero but for what was exchanged": """
        SELECT e.unit, sum(e.amount) FROM wallet_entry e JOIN wallet_transfer t ON t.id = e.transfer_id
         WHERE t.debit_unit = t.credit_unit GROUP BY 1 HAVING sum(e.amount) <> 0""",
    "nobody is, or was at any point of the past, below zero": """
        SELECT debit_account_id, id FROM wallet_transfer WHERE debit_balance_after < 0
        UNION ALL SELECT id, balance FROM wallet_account WHERE NOT is_house AND posting <> 'owed' AND balance < 0""",
    "a balance and what is on its way are the sum of its transfers": """
        SELECT a.id, a.balance, coalesce(p.amount, 0), coalesce(e.amount, 0) FROM wallet_account a
          LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM wallet_pendingcredit GROUP BY 1) p
            ON p.account_id = a.id
          LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM wallet_entry GROUP BY 1) e ON e.account_id = a.id
         WHERE NOT a.is_house AND a.balance + coalesce(p.amount, 0) <> coalesce(e.amount, 0)""",
    "one transfer per key": """
        SELECT home, key, count(*) FROM wallet_transfer GROUP BY 1, 2 HAVING count(*) > 1""",
    "no transfer without a cause": """
        SELECT id FROM wallet_transfer WHERE cause = ''""",
    "a settled order is credited once, in full, to its recipient": """
        SELECT o.number, o.coins, count(t.id), sum(t.credit_amount) FROM payments_order o
          LEFT JOIN wallet_transfer t ON t.cause = 'order:' || o.id AND t.kind = %(SALE)s AND t.home = o.recipient_id
         WHERE o.state = 'settled' GROUP BY o.id
        HAVING count(t.id) <> 1 OR sum(t.credit_amount) <> o.coins""",
    "what is not settled is not credited": """
        SELECT o.number, o.state FROM payments_order o JOIN wallet_transfer t ON t.cause = 'order:' || o.id
         WHERE o.state <> 'settled' AND t.kind = %(SALE)s""",
    "a gift has one transfer of its price from its sender, and its share to its creator": """
        SELECT g.id, g.coins, t.debit_amount FROM gifts_sentgift g
          LEFT JOIN wallet_transfer t ON t.id = g.transfer_id AND t.kind = %(GIFT)s AND t.home = g.sender_id
           AND (t.debit_amount, t.credit_amount) = (g.coins, g.diamonds)
          LEFT JOIN gifts_gift c ON c.id = g.gift_id
         WHERE t.id IS NULL OR g.coins <> c.coins * g.quantity""",
    "a gift's transfer belongs to one gift": """
        SELECT t.id, count(g.id) FROM wallet_transfer t LEFT JOIN gifts_sentgift g ON g.transfer_id = t.id
         WHERE t.kind = %(GIFT)s GROUP BY t.id HAVING count(g.id) <> 1""",
    "nothing waits past its time, and nothing was given up": """
        SELECT 'event', id, state FROM payments_stripeevent
         WHERE state = 'dead' OR state = 'received' AND due_at < now() - interval '60 s'
        UNION ALL SELECT 'request', kind || ' ' || subject, state FROM payments_outgoing
         WHERE state = 'dead' OR state = 'waiting' AND due_at < now() - interval '60 s'""",
    "the site's role may not change the ledger": """
        SELECT t.name, r.name FROM unnest(ARRAY['wallet_transfer', 'wallet_account', 'wallet_pendingcredit']) t (name),
               unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) r (name)
         WHERE has_table_privilege('coinshop_site', t.name, r.name)""",
    "money that nobody has decided about": """
        SELECT intent_id, disagreement FROM payments_payment WHERE disagreement <> '' AND decision = ''""",
}


@dataclass(frozen=True)
class Violation:
    """A rule, and something that breaks it."""

    rule: str
    what: str


async def violations(shop: Shop, *, given_up: Iterable[str] = ()) -> list[Violation]:
    """What breaks the rules. Events that a drill has poisoned are named in `given_up`."""
    expected = set(given_up)
    found = [
        Violation(rule, str(row))
        for rule, sql in RULES.items()
        for row in shop.ask(filled(sql))
        if not expected.intersection(map(str, row))
    ]
    return [*found, *await _audit(shop), *_against_the_provider(shop)]


def filled(sql: str) -> str:
    """A rule with the ledger's numbers of its kinds of transfers."""
    return sql.replace("%(SALE)s", str(SALE)).replace("%(GIFT)s", str(GIFT))


async def _audit(shop: Shop) -> list[Violation]:
    code, said = await shop.manage("audit_ledger")
    return [Violation("manage.py audit_ledger", line) for line in said.splitlines()] if code else []


def _against_the_provider(shop: Shop) -> list[Violation]:
    """Each payment that the provider took is one payment of one order, for the same money; and the other way round."""
    theirs = {
        intent: (order, amount, currency.upper())
        for intent, order, amount, currency in provider(
            shop,
            """SELECT id, json_extract(body, '$.metadata.order'), json_extract(body, '$.amount'),
                      json_extract(body, '$.currency') FROM objects
                WHERE kind = 'payment_intent' AND json_extract(body, '$.status') = 'succeeded'""",
        )
    }
    ours = {
        intent: (str(order), amount, currency)
        for intent, order, amount, currency in shop.ask(
            "SELECT intent_id, order_id, amount_minor, currency FROM payments_payment"
        )
    }
    rule = "the provider and the shop know of the same payments"
    differ = {intent for intent in theirs.keys() | ours.keys() if theirs.get(intent) != ours.get(intent)}
    paid_twice = [order for order, count in Counter(order for order, *_ in theirs.values()).items() if count > 1]
    return [Violation(rule, f"{intent}: {theirs.get(intent)} there, {ours.get(intent)} here") for intent in differ] + [
        Violation("an order is paid once", f"order {order}") for order in paid_twice
    ]


def provider(shop: Shop, sql: str) -> list[tuple[str, ...]]:
    """Ask the sandbox's own file: the truth about money, whatever the shop believes."""
    with sqlite3.connect(f"file:{shop.data / 'sandbox' / 'sandbox.sqlite3'}?mode=ro", uri=True, timeout=10) as file:
        return list(file.execute(sql))


def effects(shop: Shop) -> Effects:
    """How often each gift and each purchase is in the ledger, by the key that its client made."""
    found: Counter[tuple[str, int, UUID]] = Counter()
    for kind, person, key, count in shop.ask(
        f"""SELECT 'gift', g.sender_id, g.key, count(t.id) FROM gifts_sentgift g
              JOIN wallet_transfer t ON t.id = g.transfer_id AND t.kind = {GIFT} GROUP BY 2, 3
            UNION ALL
            SELECT 'purchase', o.buyer_id, o.form_key, count(t.id) FROM payments_order o
              JOIN wallet_transfer t ON t.cause = 'order:' || o.id AND t.kind = {SALE} GROUP BY 2, 3"""
    ):
        found[(kind, person, UUID(str(key)))] += count
    return found


def waiting(shop: Shop) -> int:
    """How many events and requests the shop still has to work on."""
    (row,) = shop.ask(
        """SELECT (SELECT count(*) FROM payments_stripeevent WHERE state = 'received' AND attempts < 3)
                + (SELECT count(*) FROM payments_outgoing WHERE state = 'waiting')"""
    )
    return int(row[0])


def undelivered(shop: Shop) -> list[str]:
    """The deliveries that the provider has still to make."""
    return [str(row[0]) for row in provider(shop, "SELECT id FROM deliveries WHERE state = 'pending' AND NOT is_echo")]


def settle_times(shop: Shop, since: str, until: str = "infinity") -> list[float]:
    """Seconds from the receipt of an event to the coins, of the events received in between; 0 where they came first."""
    return [
        float(seconds)
        for (seconds,) in shop.ask(
            """SELECT greatest(0, extract(epoch FROM o.settled_at - min(e.received_at))) FROM payments_stripeevent e
                 JOIN payments_order o ON o.session_id = e.payload -> 'data' -> 'object' ->> 'id'
                WHERE e.type = 'checkout.session.completed' AND e.received_at >= %s AND e.received_at < %s
                  AND o.settled_at IS NOT NULL GROUP BY o.id""",
            (since, until),
        )
    ]


def moment(shop: Shop) -> str:
    """The database's own time."""
    return json.dumps(shop.ask("SELECT clock_timestamp()")[0][0], default=str)[1:-1]
