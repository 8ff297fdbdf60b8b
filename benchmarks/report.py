"""The figures as a table for people, and as results.json for everybody else."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.cluster import HERE
from benchmarks.pairs import Figure

RESULTS, README = HERE / "results.json", HERE / "README.md"
LAST_RUN = "## The last run\n"
WORDS = {True: "yes", False: "NO", None: ""}


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as rows, the goal beside the ratio."""
    rows = [("", "ours", "limit", "ratio", "lowest – highest", "goal", "met"), *map(_row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def keep(figures: list[Figure], machine: str) -> None:
    """Write the figures down; what this run has not measured stays as it was."""
    measured = {figure.name.split()[0] for figure in figures}
    earlier = [Figure(**one) for one in _read(RESULTS) if one["name"].split()[0] not in measured]
    everything = sorted([*earlier, *figures], key=lambda figure: int(figure.name.split()[0][1:]))
    RESULTS.write_text(json.dumps([one.as_json() for one in everything], indent=2, ensure_ascii=False) + "\n")
    before, heading, _ = README.read_text().partition(LAST_RUN)
    README.write_text(f"{before}{heading}\n{machine}\n\n{table(everything)}\n")


def _row(figure: Figure) -> tuple[str, ...]:
    low, high = figure.spread
    ours, limit = (f"{figure.value:,.4g} {figure.unit}", f"{figure.limit:,.4g}" if figure.limit is not None else "")
    if figure.value >= 1000:
        ours = f"{figure.value:,.0f} {figure.unit}"
    if figure.limit and figure.limit >= 1000:
        limit = f"{figure.limit:,.0f}"
    spread = f"{low:g} – {high:g}" if figure.runs > 1 else ""
    return (figure.name, ours, limit, f"{figure.ratio:g}", spread, figure.goal, WORDS[figure.is_met])


def _read(file: Path) -> list[dict[str, Any]]:
    return list(json.loads(file.read_text())) if file.exists() else []
