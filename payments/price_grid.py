"""Drafts as a grid: a row for each region, a cell for each size, with all that one would look at before approving."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from django.utils.translation import gettext as _

from payments import money, price_checks
from payments.market import Market
from payments.models import PriceList, Revision
from payments.models.prices import Package, Prices
from payments.price_checks import Fault
from payments.window import show, tax_label


@dataclass(frozen=True)
class Cell:
    """A price that can be written, in major units, beside what is live now."""

    name: str
    coins: int
    typed: str
    error: str = ""
    live: str = ""
    change: str = ""
    per_100: str = ""
    margin: str = ""
    saving: str = ""


@dataclass(frozen=True)
class Row:
    draft: PriceList
    name: str
    under: str
    rate: str
    cells: list[Cell]
    faults: list[Fault]
    is_changed: bool

    @property
    def must_be_mended(self) -> bool:
        return any(fault.level == price_checks.FIX for fault in self.faults) or any(cell.error for cell in self.cells)


@dataclass(frozen=True)
class Typed:
    """What somebody wrote into a grid: prices by list, and what could not be read, by field."""

    prices: dict[int, Prices] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def drafts_of(revision: Revision) -> list[PriceList]:
    """A revision's lists by the names that their regions have for the reader."""
    lists = revision.lists.select_related("region").prefetch_related("packages", "region__countries", "waivers")
    return sorted(lists, key=lambda each: each.region.display_name)


def sizes_of(drafts: list[PriceList]) -> list[int]:
    return sorted({package.coins for draft in drafts for package in draft.packages.all()})


def rows_of(
    drafts: list[PriceList],
    sizes: list[int],
    market: Market,
    faults: list[Fault],
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[Row]:
    """The grid. `typed` and `errors` are what somebody wrote and what is wrong with it, by the fields' names."""
    return [_row(draft, sizes, market, faults, typed or {}, errors or {}) for draft in drafts]


def read(drafts: list[PriceList], fields: Mapping[str, str]) -> Typed:
    """What was typed into cells; an empty one takes the package out of its list."""
    prices, errors = {}, {}
    for draft in drafts:
        before = draft.prices()
        packages = {package.coins: package for package in before.packages}
        for name, text in fields.items():
            listed, coins = _address(name)
            if listed != draft.pk or coins is None:
                continue
            try:
                amount = amount_of(text, draft.region.currency) if text.strip() else None
            except ValueError as problem:
                errors[name] = str(problem)
                continue
            if amount is None:
                packages.pop(coins, None)
            else:
                packages[coins] = Package(coins, packages[coins].bonus if coins in packages else 0, amount)
        prices[draft.pk] = replace(before, packages=tuple(packages[coins] for coins in sorted(packages)))
        prices[draft.pk] = _with_rule(prices[draft.pk], before)
    return Typed(prices, errors)


def amount_of(text: str, currency: str) -> int:
    """16.79, 16,79, 1 234,50 or ١٢٫٥ in minor units. Raises ValueError with words for who typed it."""
    digits = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)
    plain = "".join(digits.split()).replace("٫", ".").replace("٬", ",").replace("’", "").replace("'", "")
    try:
        amount = Decimal(_with_point(plain, currency))
        if not amount.is_finite() or amount <= 0 or "e" in plain.lower():
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(_("Write a price above zero, such as 16.79.")) from None
    try:
        return money.from_major(amount, currency)
    except ValueError:
        raise ValueError(_("%(currency)s has no such fraction.") % {"currency": currency}) from None


def plain(amount_minor: int, currency: str) -> str:
    """An amount to type over: with a point, and the decimals that people write."""
    major = money.to_major(amount_minor, currency)
    is_whole = currency in money.WRITTEN_WHOLE and major % 1 == 0
    return f"{major:.0f}" if is_whole else f"{major:.{money.exponent(currency)}f}"


def _row(
    draft: PriceList,
    sizes: list[int],
    market: Market,
    faults: list[Fault],
    typed: Mapping[str, str],
    errors: Mapping[str, str],
) -> Row:
    region, prices = draft.region, draft.prices()
    live = market.prices_of(region, draft.channel)
    rate = market.per_usd(region.currency)
    tax = tax_label(_("tax"), market.tax_bp.get(region.pk, 0)) or _("no tax")
    return Row(
        draft=draft,
        name=region.display_name,
        under=f"{region.currency} · {tax}",
        rate=f"{Decimal(rate.numerator) / rate.denominator:,f}" if rate else "",
        cells=[_cell(draft, coins, prices, live, market, typed, errors) for coins in sizes],
        faults=[fault for fault in faults if fault.list_id == draft.pk],
        is_changed=live != prices,
    )


def _cell(
    draft: PriceList,
    coins: int,
    prices: Prices,
    live: Prices | None,
    market: Market,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
) -> Cell:
    name, currency = f"p-{draft.pk}-{coins}", draft.region.currency
    mine = next((package for package in prices.packages if package.coins == coins), None)
    old = next((package for package in live.packages if package.coins == coins), None) if live else None
    saving = price_checks.saving_percent(mine, market.prices_of(draft.region, PriceList.Channel.APP)) if mine else None
    margin = market.margin(mine.price_minor, coins, mine.bonus, draft.region) if mine else None
    return Cell(
        name=name,
        coins=coins,
        typed=typed.get(name, plain(mine.price_minor, currency) if mine else ""),
        error=errors.get(name, ""),
        live=plain(old.price_minor, currency) if old else "",
        change=money.percent(Fraction(mine.price_minor, old.price_minor) - 1, sign="+") if mine and old else "",
        per_100=show(mine.price_minor * 100 // (coins + mine.bonus), currency, "") if mine else "",
        margin=money.percent(margin) if margin is not None else "",
        saving=f"−{saving}%" if saving is not None else "",
    )


def _with_rule(prices: Prices, before: Prices) -> Prices:
    """The rule of custom amounts follows its package: any number of coins costs in proportion to that."""
    rule = before.custom
    if rule is None:
        return prices
    was = {package.coins: package.price_minor for package in before.packages}.get(rule.coins or 0)
    now = {package.coins: package.price_minor for package in prices.packages}.get(rule.coins or 0)
    return replace(prices, custom=rule._replace(price_minor=now)) if was == rule.price_minor and now else prices


def _address(name: str) -> tuple[int | None, int | None]:
    parts = name.split("-")
    if len(parts) == 3 and parts[0] == "p" and parts[1].isdecimal() and parts[2].isdecimal() and len(name) < 40:
        return int(parts[1]), int(parts[2])
    return None, None


def _with_point(text: str, currency: str) -> str:
    """The last of two kinds of sign is the decimal one. A single one before three digits groups, where nobody writes
    decimals; anywhere else it could mean either, so it is taken as it stands, and refused where it has no sense."""
    if "." in text and "," in text:
        thousands = "," if text.rfind(".") > text.rfind(",") else "."
        return text.replace(thousands, "").replace(",", ".")
    has_no_decimals = currency in money.WRITTEN_WHOLE or not money.exponent(currency)
    groups = "+" if has_no_decimals else "{2,}"
    if re.fullmatch(r"[0-9]{1,3}([.,][0-9]{3})" + groups, text):
        return text.replace(",", "").replace(".", "")
    return text.replace(",", ".")
