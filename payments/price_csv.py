"""Prices as a file: out as they stand, and in with each error by its line, before anything is changed."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from payments import money
from payments.models import PriceList
from payments.models.prices import Package, Prices

COLUMNS = ["region", "currency", "coins", "bonus", "price"]
MOST_BYTES = 300_000
MOST_ERRORS = 100
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run: OWASP, CSV injection


@dataclass(frozen=True)
class Problem:
    line: int
    text: str


@dataclass
class Reading:
    """What a file would make of a draft: prices by list, or what is wrong with it, by line."""

    prices: dict[int, Prices] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class Unreadable(Exception):
    """A file that holds no prices at all. `args[0]` says why."""


def write(lists: Iterable[PriceList]) -> Iterator[str]:
    """The packages of some lists, a line each: amounts in major units with a point, tax included."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for each in lists:
        currency = each.region.currency
        for coins, bonus, price in each.prices().packages:
            writer.writerow([each.region.slug, currency, coins, bonus, money.to_major(price, currency)])
    yield out.getvalue()


def text_of(content: bytes) -> str:
    """A file's text. Raises Unreadable for what is too large, or no text."""
    if len(content) > MOST_BYTES:
        raise Unreadable(_("The file is larger than 300 kilobytes. Prices of all regions are about ten."))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(_("This is no text in UTF-8. Save the table as CSV in UTF-8.")) from None


def read(text: str, drafts: Iterable[PriceList]) -> Reading:
    """What a file says about drafts. Regions that it does not name stay as they are. Raises Unreadable."""
    by_slug = {draft.region.slug: draft for draft in drafts}
    packages: dict[int, dict[int, Package]] = {}
    reading = Reading()
    for line, row in _rows(text):
        try:
            draft, package = _line(row, by_slug)
            if package.coins in packages.setdefault(draft.pk, {}):
                raise ValueError(_("%(coins)s coins stand twice for this region.") % {"coins": package.coins})
            packages[draft.pk][package.coins] = package
        except ValueError as problem:
            reading.problems.append(Problem(line, str(problem)))
    for draft in by_slug.values():
        if draft.pk in packages:
            reading.prices[draft.pk] = draft.prices().with_packages(packages[draft.pk].values())
    if not reading.prices and not reading.problems:
        raise Unreadable(_("The file has no prices below its head."))
    return reading


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        head, *rows = list(csv.reader(io.StringIO(text), strict=True))
    except (csv.Error, ValueError):
        raise Unreadable(_("This is no table. Save it as CSV, with commas between the columns.")) from None
    names = [name.strip().lower() for name in head]
    if missing := [name for name in COLUMNS if name not in names]:
        raise Unreadable(
            _("The first line has to name the columns. Missing: %(names)s.") % {"names": ", ".join(missing)}
        )
    for line, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            yield line, dict(zip(names, [*row, *[""] * len(names)], strict=False))


def _line(row: dict[str, str], drafts: dict[str, PriceList]) -> tuple[PriceList, Package]:
    if any(value.startswith(FORMULA) for value in row.values()):
        raise ValueError(_("A cell begins like a formula. Write plain values."))
    draft = drafts.get(row["region"].strip())
    if draft is None:
        raise ValueError(_("“%(region)s” is not in this draft.") % {"region": row["region"][:40]})
    currency = draft.region.currency
    if row["currency"].strip() != currency:
        told = _("Prices of this region are in %(currency)s, not in %(given)s.")
        raise ValueError(told % {"currency": currency, "given": row["currency"][:10] or "—"})
    return draft, Package(_count(row["coins"], least=1), _count(row["bonus"] or "0"), _price(row["price"], currency))


def _count(text: str, least: int = 0) -> int:
    if not text.strip().isdecimal() or not least <= int(text) <= 10_000_000:
        raise ValueError(_("“%(text)s” is no whole number of coins.") % {"text": text[:20]})
    return int(text)


def _price(text: str, currency: str) -> int:
    """With a point only: a comma may be a decimal sign to one program and nothing to the next."""
    try:
        amount = Decimal(text.strip())
        if not amount.is_finite() or amount <= 0 or "e" in text.lower() or amount > 10**12:
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(_("“%(text)s” is no price. Write it with a point: 16.79.") % {"text": text[:20]}) from None
    try:
        return money.from_major(amount, currency)
    except ValueError:
        raise ValueError(_("%(currency)s has no such fraction.") % {"currency": currency}) from None
