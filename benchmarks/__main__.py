"""Measure what is asked for, each goal in a database of its own, and audit its books before its figures count."""

import argparse
import os
import platform
import sys
from collections.abc import Callable
from time import perf_counter

from benchmarks import cluster, report
from benchmarks.cluster import LARGE, STOCK, Server
from benchmarks.pairs import QUICK, WHOLE, Figure, Scale

Goal = Callable[[Server, Scale], list[Figure]]


def main() -> int:
    """Run the goals that are named, or all but those that take very long."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("goals", nargs="*", metavar="P1", help="which to measure (all but P10, if none is named)")
    parser.add_argument("--quick", action="store_true", help="see that everything works; the figures mean nothing")
    parser.add_argument("--keep", action="store_true", help="leave the database's files, to look at them afterwards")
    asked = parser.parse_args()

    figures: list[Figure] = []
    scale = QUICK if asked.quick else WHOLE
    with cluster.folder(keep=asked.keep) as held_fd:
        goals = _goals()
        if unknown := set(asked.goals) - goals.keys():
            parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(goals)}")
        usual, large = asked.goals or [name for name in goals if name != "P10"], []
        if "P10" in usual:
            usual, large = [name for name in usual if name != "P10"], ["P10"]
        for names, settings in [(usual, STOCK), (large, LARGE)]:
            if names:
                with cluster.serving(held_fd, settings) as server:
                    for name in names:
                        measured = _measure(name, goals[name], server, scale)
                        if not asked.quick:
                            report.keep(measured, _machine(scale))
                        figures += measured
    print("\n" + report.table(figures))
    if not asked.goals:
        print("\nP10 (a ledger of five million transfers) takes minutes to make: name it to measure it.")
    return 0


def _measure(name: str, goal: Goal, server: Server, scale: Scale) -> list[Figure]:
    from django.db import connection

    from benchmarks import books

    begun = perf_counter()
    print(f"{name} …", end="", flush=True, file=sys.stderr)
    connection.close()
    server.fresh()
    figures = goal(server, scale)
    books.audit()
    print(f" {perf_counter() - begun:.0f} s, and the books are right", file=sys.stderr)
    return figures


def _goals() -> dict[str, Goal]:
    """Load Django, which reads where the database is, and return what can be measured."""
    import django

    django.setup()
    from benchmarks import from_django, posting, reading, webhook, window

    return {
        "P1": posting.gift,
        "P2": posting.hot_creator,
        "P3": from_django.peers,
        "P4": from_django.django,
        "P5": posting.batches,
        "P7": webhook.ingest,
        "P8": webhook.settled,
        "P9": window.top_up,
        "P10": posting.growth,
        "P11": reading.statement,
        "P12": reading.room,
        "P13": reading.whole_audit,
    }


def _machine(scale: Scale) -> str:
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), shared with other work: load {load} at the end. "
        f"{scale.pairs} pairs, {scale.seconds:g} s each."
    )


if __name__ == "__main__":
    sys.exit(main())
