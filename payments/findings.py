"""What the shop's own checks found: written once, told once, and marked as gone when it is."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from payments.models import Finding

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a check found. `expected` and `found` are coins, or minor units of the currency that is the unit."""

    what: Finding.What
    reference: str
    detail: str
    order_id: UUID | None = None
    expected: int | None = None
    found: int | None = None
    unit: str = ""

    def facts(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("what", "reference")}


def report(differences: Iterable[Difference], *, of: Collection[Finding.What]) -> None:
    """Bring the findings of some kinds up to what a check that covers them has just found.

    Each new one is told as critical, once. One that a person has closed stays closed for as long as nothing about it
    changes.
    """
    now_found = {(one.what.value, one.reference): one for one in differences}
    for row in Finding.objects.filter(what__in=of, gone_at=None):
        one = now_found.get((row.what, row.reference))
        if one is None or (row.closed_at and one.facts() != _facts(row)):
            Finding.objects.filter(pk=row.pk).update(gone_at=timezone.now())
    for one in now_found.values():
        _keep(one)


def _facts(row: Finding) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ["order_id", "detail", "expected", "found", "unit"]}


def _keep(one: Difference) -> None:
    # Two checks at once are one finding: the database lets one of them make the row.
    row, is_new = Finding.objects.get_or_create(
        what=one.what, reference=one.reference, gone_at=None, defaults=one.facts()
    )
    if is_new:
        log.critical("%s: %s (%s)", row.get_what_display(), one.reference, one.detail)
    elif _facts(row) != one.facts():
        Finding.objects.filter(pk=row.pk).update(**one.facts())
