"""A machine's speed changes from minute to minute, so only what was measured side by side is compared."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median

Rounds = list[dict[str, float]]


@dataclass(frozen=True)
class Scale:
    """How long to measure, and how much history to make."""

    pairs: int
    seconds: float
    history: int
    growth: int


WHOLE = Scale(pairs=5, seconds=4, history=1_000_000, growth=5_000_000)
QUICK = Scale(pairs=1, seconds=1, history=20_000, growth=50_000)  # tells that everything works, and nothing about speed


@dataclass(frozen=True)
class Figure:
    """One line of the table: a ratio of medians' pairs, and the goal it is held against."""

    name: str
    value: float
    unit: str
    limit: float | None
    ratio: float
    runs: int
    spread: list[float]
    goal: str

    @property
    def is_met(self) -> bool | None:
        """Tell whether the goal is met; None where there is none."""
        if not self.goal:
            return None
        sign, bound = self.goal.split()
        return self.ratio >= float(bound) if sign == "≥" else self.ratio <= float(bound)

    def as_json(self) -> dict[str, object]:
        """Return what results.json keeps."""
        return asdict(self)


def measure(cases: Mapping[str, Callable[[], float]], *, rounds: int) -> Rounds:
    """Measure every case once, then every case again, and so on: neighbours share their weather."""
    return [{name: case() for name, case in cases.items()} for _ in range(rounds)]


def figure(name: str, rounds: Rounds, *, ours: str, limit: str, unit: str = "per second", goal: str = "") -> Figure:
    """Divide ours by the limit, round by round; the median is the figure."""
    ratios = [one[ours] / one[limit] for one in rounds]
    return Figure(
        name=name,
        value=round(median(one[ours] for one in rounds), 4),
        unit=unit,
        limit=round(median(one[limit] for one in rounds), 4),
        ratio=round(median(ratios), 3),
        runs=len(ratios),
        spread=[round(min(ratios), 3), round(max(ratios), 3)],
        goal=goal,
    )
