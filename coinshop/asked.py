"""What somebody asks to see of a statement: an account, a group of lines, a month. What is not offered is ignored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format

from wallet import ledger
from wallet.ledger import AccountKind, Filter, Group


@dataclass(frozen=True)
class Asked:
    """One account's statement, or a part of it. `month` is a first of the month where the reader lives."""

    account: AccountKind
    group: Group | None = None
    month: date | None = None

    @property
    def filter(self) -> Filter:
        if self.month is None:
            return Filter(self.group)
        return Filter(self.group, _midnight(self.month), _midnight(_next(self.month)))

    @property
    def words(self) -> dict[str, str]:
        """As an address says it, and a file's name."""
        month = f"{self.month:%Y-%m}" if self.month else ""
        said = {"account": self.account.value, "kind": self.group.value if self.group else "", "month": month}
        return {name: word for name, word in said.items() if word}

    def url(self, **more: str) -> str:
        return "?" + urlencode(self.words | more)

    def chosen(self) -> list[dict[str, str]]:
        """Each filter that is on, with the address of the same without it."""
        parts = []
        if self.group:
            parts.append({"name": str(self.group.label), "url": Asked(self.account, month=self.month).url()})
        if self.month:
            parts.append({"name": _name_of(self.month), "url": Asked(self.account, self.group).url()})
        return parts


@dataclass(frozen=True)
class Offer:
    """What there is to choose from on one account: groups, and months, newest first. Of an empty account, nothing."""

    groups: list[Group]
    months: list[date]

    @classmethod
    def of(cls, kind: AccountKind, account: int, *, is_creator: bool) -> "Offer":
        """Only creators have payouts, and diamonds to exchange."""
        begun = ledger.begun(account)
        if begun is None:
            return cls([], [])
        groups = [group for group in ledger.groups_of(kind) if is_creator or group != Group.PAYOUTS]
        return cls(groups, list(_months_back_to(timezone.localdate(begun))))

    def pick(self, kind: AccountKind, query: QueryDict) -> Asked:
        """What an address asks for, as far as it is offered."""
        group, month = query.get("kind", ""), query.get("month", "")
        return Asked(
            kind,
            next((offered for offered in self.groups if offered.value == group), None),
            next((first for first in self.months if f"{first:%Y-%m}" == month), None),
        )

    def options(self, asked: Asked) -> dict[str, list[dict[str, Any]]]:
        """The form's two lists."""
        return {
            "kinds": [_option(group.value, str(group.label), group == asked.group) for group in self.groups],
            "months": [_option(f"{month:%Y-%m}", _name_of(month), month == asked.month) for month in self.months],
        }


def _option(value: str, name: str, is_chosen: bool) -> dict[str, Any]:
    return {"value": value, "name": name, "is_chosen": is_chosen}


def _months_back_to(day: date) -> Iterator[date]:
    month, oldest = timezone.localdate().replace(day=1), day.replace(day=1)
    while month >= oldest:
        yield month
        month = date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))


def _name_of(month: date) -> str:
    return date_format(month, "YEAR_MONTH_FORMAT")
