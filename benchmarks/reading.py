"""P11, P12, P13: a statement's last pages, the room that a gift takes, and the audit."""

from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from django.db import connection

from benchmarks import books
from benchmarks.cluster import Server
from benchmarks.pairs import Figure, Scale, figure, measure
from wallet import ledger

PAGE = 50
FAN_S_COINS, CREATOR_S_DIAMONDS = 1_000_001, 3_100_001
READS = 20  # of one page, whose median counts


def statement(server: Server, scale: Scale) -> list[Figure]:
    """P11: the thousandth page of a long statement ÷ its first."""
    server.run("long_history.sql", gifts=scale.history)
    pages = min(1000, scale.history // PAGE)
    figures = []
    for whose, account in [("a fan's coins", FAN_S_COINS), ("a creator's diamonds", CREATOR_S_DIAMONDS)]:
        position = _position_of_page(account, pages)
        read = partial(ledger.statement, account, limit=PAGE)
        cases = {"first": partial(_ms, read), "last": partial(_ms, partial(read, before=position))}
        rounds = measure(cases, rounds=scale.pairs)
        name = f"P11 statement page {pages:,} / page 1, {whose}"
        figures.append(figure(name, rounds, ours="last", limit="first", unit="ms", goal="≤ 1.2"))
    return figures


def room(server: Server, scale: Scale) -> list[Figure]:
    """P12: how much a table with all its indexes grows by a gift."""
    size = "SELECT pg_total_relation_size('wallet_transfer')"
    before = server.ask(size)
    server.run("history.sql", gifts=scale.history)
    each = round((server.ask(size) - before) / scale.history, 1)
    return [Figure("P12 bytes per gift, all indexes", each, "bytes", None, each, 1, [each, each], "≤ 270")]


def whole_audit(server: Server, scale: Scale) -> list[Figure]:
    """P13: every question of the audit ÷ one look at every transfer."""
    if server.ask("SELECT count(*) FROM wallet_transfer") < scale.history:
        server.run("history.sql", gifts=scale.history)
    rounds = measure({"scan": _scan, "audit": books.audit}, rounds=scale.pairs)
    name = f"P13 whole audit / one scan, {scale.history:,} gifts"
    return [figure(name, rounds, ours="audit", limit="scan", unit="s", goal="≤ 20")]


def _position_of_page(account: int, page: int) -> ledger.Position:
    """Return where this page begins, as the last line of the page before it tells."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT transfer_id FROM wallet_entry WHERE account_id = %s ORDER BY 1 DESC OFFSET %s LIMIT 1",
            [account, (page - 1) * PAGE - 1],
        )
        ((last,),) = cursor.fetchall()
    return ledger.Position.after(ledger.statement(account, before=last + 1, limit=1)[0])


def _ms(read: Any) -> float:
    times = []
    for _ in range(READS):
        begun = perf_counter()
        lines = read()
        times.append(perf_counter() - begun)
        assert len(lines) == PAGE
    return 1000 * median(times)


def _scan() -> float:
    with connection.cursor() as cursor:
        begun = perf_counter()
        cursor.execute("SELECT count(*), sum(debit_amount) FROM wallet_transfer")
        return perf_counter() - begun
