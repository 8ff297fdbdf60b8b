"""Drafts as a grid: a row for each region, a cell for each size, with all that one would look at before approving."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from payments import money, price_checks
from payments.market import Market
from payments.models import PriceList, Revision
from payments.models.prices import Prices
from payments.price_checks import Fault
from payments.window import show, tax_label


@dataclass(frozen=True)
class Field:
    """Something that can be written: its name in the form, what stands in it, and what is wrong with that."""

    name: str
    typed: str
    error: str = ""


@dataclass(frozen=True)
class Cell:
    """A package's price, in major units, and its bonus coins, beside what is live now."""

    coins: int
    price: Field
    bonus: Field
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
    def in_sight(self) -> list[Fault]:
        """What was found in the sizes that are shown, or in the list as a whole."""
        sizes = {None, *(cell.coins for cell in self.cells)}
        return [fault for fault in self.faults if fault.coins in sizes]

    @property
    def elsewhere(self) -> int:
        return len(self.faults) - len(self.in_sight)

    @property
    def must_be_mended(self) -> bool:
        return any(fault.level == price_checks.FIX for fault in self.faults) or any(
            cell.price.error or cell.bonus.error for cell in self.cells
        )


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


def rule_of(
    draft: PriceList, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> list[Field]:
    """The rule of custom amounts as it can be written: coins, their price, and the most that may be bought."""
    typed, errors, rule, currency = typed or {}, errors or {}, draft.prices().custom, draft.region.currency
    stands = [str(rule.coins), plain(rule.price_minor or 0, currency), str(rule.max_coins)] if rule else [""] * 3
    names = [f"r-{draft.pk}-{what}" for what in ("coins", "price", "max")]
    return [Field(name, typed.get(name, text), errors.get(name, "")) for name, text in zip(names, stands, strict=True)]


def new_size_of(
    draft: PriceList, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> list[Field]:
    """Where a package of another size can be written: its coins and its price."""
    names = [f"n-{draft.pk}-{what}" for what in ("coins", "price")]
    return [Field(name, (typed or {}).get(name, ""), (errors or {}).get(name, "")) for name in names]


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
    currency = draft.region.currency
    price, bonus = f"p-{draft.pk}-{coins}", f"b-{draft.pk}-{coins}"
    mine = next((package for package in prices.packages if package.coins == coins), None)
    old = next((package for package in live.packages if package.coins == coins), None) if live else None
    saving = price_checks.saving_percent(mine, market.prices_of(draft.region, PriceList.Channel.APP)) if mine else None
    margin = market.margin(mine.price_minor, coins, mine.bonus, draft.region) if mine else None
    return Cell(
        coins=coins,
        price=Field(price, typed.get(price, plain(mine.price_minor, currency) if mine else ""), errors.get(price, "")),
        bonus=Field(bonus, typed.get(bonus, str(mine.bonus or "") if mine else ""), errors.get(bonus, "")),
        live=plain(old.price_minor, currency) if old else "",
        change=money.percent(Fraction(mine.price_minor, old.price_minor) - 1, sign="+") if mine and old else "",
        per_100=show(mine.price_minor * 100 // (coins + mine.bonus), currency, "") if mine else "",
        margin=money.percent(margin) if margin is not None else "",
        saving=f"−{saving}%" if saving is not None else "",
    )
