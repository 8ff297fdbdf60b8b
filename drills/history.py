"""What the clients know: each operation with its own key, and how it ended as they saw it.

ok        the shop, or the payment page, said that it is done
refused   it said that it is not
unknown   a time-out, a 5xx, a cut: done once or not done are both right, done twice is not
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from uuid import UUID


class Ended(StrEnum):
    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Operation:
    """One thing that somebody wanted. `drill` is the one that it was wanted in."""

    kind: str  # gift, purchase
    drill: str
    person: int
    key: UUID
    coins: int
    begun: float = field(default_factory=monotonic)
    ended: Ended = Ended.UNKNOWN
    took_s: float = 0.0
    tries: int = 0
    status: int = 0  # of the last answer; 0 when there was none

    def end(self, how: Ended, status: int = 0) -> Ended:
        self.ended, self.status, self.took_s = how, status, monotonic() - self.begun
        return how


@dataclass(frozen=True)
class Tally:
    """What became of some operations, held against what is there at the end."""

    ops: int = 0
    acked: int = 0
    lost: int = 0
    phantom: int = 0
    dup: int = 0
    unknown: int = 0
    unknown_done: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.phantom or self.dup)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


class History:
    """All operations of a run."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def begin(self, kind: str, drill: str, person: int, key: UUID, coins: int) -> Operation:
        operation = Operation(kind, drill, person, key, coins)
        self.operations.append(operation)
        return operation

    def of(self, drill: str) -> list[Operation]:
        return [operation for operation in self.operations if operation.drill == drill]


Effects = Mapping[tuple[str, int, UUID], int]  # kind, person and key: how often it is there


def tally(operations: Iterable[Operation], effects: Effects) -> Tally:
    """Hold the operations against their effects."""
    count: Counter[str] = Counter()
    for operation in operations:
        there = effects.get((operation.kind, operation.person, operation.key), 0)
        count["ops"] += 1
        count["acked"] += operation.ended is Ended.OK
        count["lost"] += operation.ended is Ended.OK and there == 0
        count["phantom"] += operation.ended is Ended.REFUSED and there > 0
        count["dup"] += there > 1
        count["unknown"] += operation.ended is Ended.UNKNOWN
        count["unknown_done"] += operation.ended is Ended.UNKNOWN and there == 1
    return Tally(**count)


def unheard_of(operations: Iterable[Operation], effects: Effects) -> int:
    """Effects that nobody asked for: phantoms that no operation explains."""
    known = {(operation.kind, operation.person, operation.key) for operation in operations}
    return sum(1 for effect in effects if effect not in known)
