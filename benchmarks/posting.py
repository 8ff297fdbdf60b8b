"""P1, P2, P5, P10: what the posting functions do by themselves, called by PostgreSQL's own load generator."""

from functools import partial

from benchmarks import pgbench
from benchmarks.cluster import LARGE, Server
from benchmarks.pairs import Figure, Scale, figure, measure

EVERYBODY, FEW, ONE = 100_000, 500, 1
PATIENT = "-c lock_timeout=0 -c statement_timeout=0"  # eight batches of a thousand share fans, and wait for each other


def gift(server: Server, scale: Scale) -> list[Figure]:
    """P1: a gift as the site sends it, ÷ the least that a ledger can do, and ÷ the least that a transfer can be."""
    server.run("bare.sql")
    run = partial(pgbench.per_second, server, seconds=scale.seconds)
    with pgbench.rolled_up(server):
        rounds = measure(
            {
                "floor": partial(run, "base_floor.sql"),
                "gift": partial(run, "gift.sql", fans=EVERYBODY, creators=EVERYBODY),
                "base": partial(run, "base_transfer.sql"),
                "bare": partial(run, "bare_gift.sql"),
                "claiming": partial(run, "claiming_gift.sql"),
                "looking": partial(run, "looking_gift.sql"),
                "plain": partial(run, "gift_without_promo.sql"),
            },
            rounds=scale.pairs,
        )
    return [
        figure("P1 gift posting / honest floor", rounds, ours="gift", limit="floor", goal="≥ 0.9"),
        figure("P1 gift posting / base", rounds, ours="gift", limit="base", goal="≥ 0.7"),
        figure("P1 our row, unguarded / honest floor", rounds, ours="bare", limit="floor"),
        figure("P1 … claiming its key / our row, unguarded", rounds, ours="claiming", limit="bare"),
        figure("P1 … and looking at the accounts / our row, unguarded", rounds, ours="looking", limit="bare"),
        figure("P1 gift posting / our row, unguarded", rounds, ours="gift", limit="bare"),
        figure("P1 gift posting, bought coins only / honest floor", rounds, ours="plain", limit="floor"),
        figure("P1 gift posting, bought coins only / base", rounds, ours="plain", limit="base"),
    ]


def hot_creator(server: Server, scale: Scale) -> list[Figure]:
    """P2: everybody gives to one creator, ÷ everybody gives to anybody; and the same among 500 fans."""
    run = partial(pgbench.per_second, server, "gift.sql", seconds=scale.seconds)
    with pgbench.rolled_up(server):
        rounds = measure(
            {
                "uniform": partial(run, fans=EVERYBODY, creators=EVERYBODY),
                "hot": partial(run, fans=EVERYBODY, creators=ONE),
                "few to one": partial(run, fans=FEW, creators=ONE),
                "few to anybody": partial(run, fans=FEW, creators=EVERYBODY),
            },
            rounds=scale.pairs,
        )
    return [
        figure("P2 one hot creator / uniform", rounds, ours="hot", limit="uniform", goal="≥ 1.0"),
        figure("P2 500 fans to one creator / to anybody", rounds, ours="few to one", limit="few to anybody"),
    ]


def batches(server: Server, scale: Scale) -> list[Figure]:
    """P5: gifts posted a hundred at a time ÷ one at a time, per gift."""
    run = partial(pgbench.per_second, server, seconds=scale.seconds, session=PATIENT)

    def batched(size: int) -> float:
        return size * run("gift_batch.sql", size=size)

    with pgbench.rolled_up(server):
        rounds = measure(
            {
                "single": partial(run, "gift_without_promo.sql"),
                **{str(size): partial(batched, size) for size in [10, 100, 1000]},
            },
            rounds=scale.pairs,
        )
    return [
        figure("P5 batches of 100 / single, per transfer", rounds, ours="100", limit="single", goal="≥ 4"),
        figure("P5 batches of 10 / single, per transfer", rounds, ours="10", limit="single"),
        figure("P5 batches of 1,000 / single, per transfer", rounds, ours="1000", limit="single"),
    ]


def growth(server: Server, scale: Scale) -> list[Figure]:
    """P10: the same with millions of rows behind it ÷ with ten thousand."""
    assert server.settings == LARGE
    server.fresh("young")
    server.run("history.sql", database="young", gifts=10_000)
    server.run("history.sql", gifts=scale.growth)
    run = partial(pgbench.per_second, server, "gift.sql", seconds=scale.seconds, fans=EVERYBODY, creators=EVERYBODY)
    with pgbench.rolled_up(server), pgbench.rolled_up(server, "young"):
        rounds = measure({"young": partial(run, database="young"), "old": run}, rounds=scale.pairs)
    name = f"P10 {scale.growth:,} transfers / 10,000"
    return [figure(name, rounds, ours="old", limit="young", goal="≥ 0.75")]
