"""One process that moves coins as fast as it can: `worker.py transfer|plain_orm|hordak`.

It says "ready", and then answers each line with a number of seconds by how many it moved, and in how long. It knows
nothing of our packages until it is told what to measure: a peer's process has a Python of its own.
"""

import random
import sys
from collections.abc import Callable
from importlib import import_module
from time import perf_counter

FANS, CREATORS = (1, 100_000), (100_001, 200_000)


def main(name: str) -> None:
    """Move coins between random people whenever told to."""
    give: Callable[[int, int], None] = import_module(f"benchmarks.{name}").give
    print("ready", flush=True)
    for line in sys.stdin:
        begun, done = perf_counter(), 0
        while perf_counter() - begun < float(line):
            give(random.randint(*FANS), random.randint(*CREATORS))
            done += 1
        print(done, perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
