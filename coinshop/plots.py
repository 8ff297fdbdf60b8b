"""Figures over time as bars that a page draws by itself: no script, and the numbers beside them for who cannot see."""

from collections.abc import Sequence
from dataclasses import dataclass

TOP, BOTTOM = 18, 154  # of the plot's 11rem, in pixels: above stands the highest figure, below the names
GAP = 0.28  # of a bar's share of the width


@dataclass(frozen=True)
class Bar:
    """One bar, in percent of the width and pixels of the height, with its name and its figure as people read it."""

    name: str
    told: str
    x: str
    middle: str
    width: str
    y: int
    height: int
    is_highest: bool
    is_named: bool = True  # below the plot; the table names all


def bars(figures: Sequence[tuple[str, int, str]], *, named_every: int = 1) -> list[Bar]:
    """Bars for (name, value, value in words), the highest as high as the plot. Values below zero are drawn as zero.

    Where there is no room for all the names, one of so many is written.
    """
    highest = max((value for _name, value, _told in figures), default=0)
    share = 100 / (len(figures) or 1)
    drawn = []
    for nth, (name, value, told) in enumerate(figures):
        height = (BOTTOM - TOP) * max(0, value) // highest if highest > 0 else 0
        left, is_highest = nth * share, 0 < highest == value
        drawn.append(
            Bar(
                name=name,
                told=told,
                x=_percent(left + share * GAP / 2),
                middle=_percent(left + share / 2),
                width=_percent(share * (1 - GAP)),
                y=BOTTOM - height,
                height=height,
                is_highest=is_highest,
                is_named=nth % named_every == 0,
            )
        )
    return drawn


def _percent(value: float) -> str:
    """As SVG reads it, whatever the reader's decimal sign."""
    return f"{value:.2f}%"


@dataclass(frozen=True)
class Line:
    """Figures as a line, in a box of a hundred by forty that a page stretches, and the ends of its scales."""

    points: str
    area: str
    figures: list[tuple[str, str]]
    least: str
    most: str

    @property
    def first(self) -> str:
        return self.figures[0][0]

    @property
    def last(self) -> str:
        return self.figures[-1][0]


def line(figures: Sequence[tuple[str, int, str]]) -> Line:
    """A line through (name, value, value in words), from the lowest value at the bottom to the highest at the top."""
    values = [value for _name, value, _told in figures]
    low, high = min(values), max(values)
    step, span = 100 / max(1, len(values) - 1), high - low or 1
    places = [f"{nth * step:.2f},{38 - 36 * (value - low) / span:.2f}" for nth, value in enumerate(values)]
    told = {value: words for _name, value, words in figures}
    return Line(
        points=" ".join(places),
        area=" ".join(["0,40", *places, "100,40"]),
        figures=[(name, words) for name, _value, words in figures],
        least=told[low],
        most=told[high],
    )
