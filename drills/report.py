"""One line for each drill, and the campaign's tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from drills.history import Tally

HEAL_WITHIN_S, HEALS_AT_ALL_S = 10.0, 60.0
MOST_REASONS = 3  # in a line
HEADS = "drill  seed    ops faults lost phantom dup unknown inv   heal  settle p50/p99/max  verdict"


@dataclass
class Result:
    """What one drill came to. `tallies` has one for each time that it was counted: at the end, and after a restart."""

    drill: str
    seed: int
    faults: int = 0
    heal_s: float = 0.0
    settled: Sequence[float] = ()
    broken: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    others: int = 0
    void: str = ""
    least_ops: int = 0
    least_faults: int = 0
    violations: list[str] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    strangers: int = 0

    @property
    def tally(self) -> Tally:
        """The worst of each count."""
        counted = [*self.tallies.values()] or [Tally()]
        return Tally(*(max(getattr(each, name) for each in counted) for name in Tally.__dataclass_fields__))

    @property
    def ops(self) -> int:
        return self.tally.ops + self.others

    @property
    def phantom(self) -> int:
        return self.tally.phantom + self.strangers

    @property
    def verdict(self) -> str:
        """`void` when too little happened to prove anything; then it has not passed. `slow` when only time is amiss."""
        if self.reasons:
            return f"FAILED: {'; '.join(self.reasons[:MOST_REASONS])}"
        if self.is_void(self.tally.ops):
            return f"void: {self.void or f'{self.least_ops} operations and {self.least_faults} faults are needed'}"
        return f"slow: {'; '.join(self.slowness)}" if self.slowness else "passed"

    def is_void(self, counted: int) -> bool:
        """Would it prove nothing, with so many operations in the history?"""
        return bool(self.void) or counted + self.others < self.least_ops or self.faults < self.least_faults

    @property
    def reasons(self) -> list[str]:
        tally, found = self.tally, []
        for count, what in [(tally.lost, "lost"), (self.phantom, "phantom"), (tally.dup, "doubled")]:
            if count:
                found.append(f"{count} {what}")
        if self.heal_s >= HEALS_AT_ALL_S:
            found.append(f"not healed after {self.heal_s:.0f} s")
        return [*found, *self.broken, *self.violations]

    @property
    def slowness(self) -> list[str]:
        is_late = HEAL_WITHIN_S < self.heal_s < HEALS_AT_ALL_S
        return [*([f"healed only after {self.heal_s:.1f} s"] if is_late else []), *self.late]

    @property
    def has_passed(self) -> bool:
        return self.verdict == "passed"

    @property
    def is_right(self) -> bool:
        """Nothing is wrong, at whatever speed: what can be asked of a machine that does other things as well."""
        return self.has_passed or self.verdict.startswith("slow")

    def line(self) -> str:
        tally = self.tally
        counts = f"{tally.lost:4} {self.phantom:7} {tally.dup:3} {tally.unknown:7} {len(self.violations):3}"
        settle = "/".join(f"{part_of(self.settled, share):.2f}" for share in (0.5, 0.99, 1)) if self.settled else "-"
        return (
            f"{self.drill:5} {self.seed:5} {self.ops:6} {self.faults:6} {counts} {self.heal_s:5.1f}s "
            f"{settle:>19}  {self.verdict}"
        )


def part_of(values: Sequence[float], share: float) -> float:
    """A percentile, by the nearest rank: a value that was measured."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


def exit_code(results: Iterable[Result], *, in_time: bool = False) -> int:
    return 0 if all(result.has_passed or (result.is_right and not in_time) for result in results) else 1
