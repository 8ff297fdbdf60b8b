"""Run the simulator: `make simulate SEED=1 STEPS=10000`, or with neither."""

import os
import random
import sys
import time

import real_services


def main(arguments: list[str]) -> int:
    """Say what was done and whether the ledger agreed with its model; 1 if it did not."""
    given = dict(argument.split("=", 1) for argument in arguments)
    seed, steps = int(given.get("SEED") or random.randrange(10**9)), int(given.get("STEPS") or 10_000)
    say(f"seed {seed}, {steps} steps")
    try:
        real_services._start_services()
        real_services._migrate_template()
        return simulate(seed, steps)
    finally:
        real_services.pytest_unconfigure()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def simulate(seed: int, steps: int) -> int:
    import django

    django.setup()
    from simulator.scratch import scratch_database
    from simulator.simulation import Simulation, Violation

    began = time.monotonic()
    with scratch_database():
        simulation = Simulation(seed)
        try:
            simulation.run(steps)
            verdict = "the ledger agrees with its model"
        except Violation as violation:
            verdict = f"VIOLATION at step {violation.step} of seed {seed}: {violation}"
    took = time.monotonic() - began
    for what, counts in [("uses", simulation.counts), ("faults", simulation.faults)]:
        say(f"{what}: {', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}")
    transfers, per_second = len(simulation.book.rows), simulation.steps / took
    say(f"transfers: {transfers}; {took:.1f} s, {per_second:.0f} steps a second")
    say(verdict)
    return int(verdict.startswith("VIOLATION"))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coinshop.settings")
    sys.exit(main(sys.argv[1:]))
