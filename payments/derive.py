"""Prices from a base price: a coin in US dollars × the rate × the tax, as a currency likes to be written."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments import money
from payments.market import Market
from payments.models import PriceList, Region
from payments.models.prices import CustomRule, Package, Prices
from payments.price_checks import DEARER_PERCENT

SMALL = 1000  # of the smallest written units: below it a price is rounded up, as half a step is much of it
CUSTOM_MAX_COINS = 25_000


class Rounding(models.TextChoices):
    HABIT = "habit", gettext_lazy("Local habit")
    NINE = "nine", gettext_lazy("… 9")
    ZERO = "zero", gettext_lazy("… 0")
    WHOLE = "whole", gettext_lazy("Whole units")
    EXACT = "exact", gettext_lazy("As exact as can be")


class NoRate(Exception):
    """Nothing can be derived for a currency. `args[0]` says why to the pricing manager."""


def derive(
    region: Region, *, base_usd: Decimal, sizes: Sequence[int], rounding: str, market: Market, before: Prices
) -> Prices:
    """What a region's packages cost at a base price for one coin, tax included, in minor units.

    Bonus coins and the limit of custom amounts stay as they were before. A size is left out that is too small
    to be charged, or for which rounding would take half as much again.
    No package is dearer for each coin than a smaller one, but for what a check allows. Raises NoRate.
    """
    currency, rate = region.currency, market.per_usd(region.currency)
    if rate is None or currency not in money.LEAST_CHARGE:
        raise NoRate(_("No exchange rate is known for %(currency)s.") % {"currency": currency})
    per_coin = (
        Fraction(base_usd)
        * rate
        * 10 ** money.exponent(currency)
        * Fraction(10_000 + market.tax_bp.get(region.pk, 0), 10_000)
    )
    bonus = {package.coins: package.bonus for package in before.packages}
    packages: list[Package] = []
    for coins in sorted(set(sizes)):
        cheapest = min((Fraction(each.price_minor, each.coins) for each in packages), default=None)
        most = cheapest * coins * Fraction(100 + DEARER_PERCENT, 100) if cheapest else None
        price = round_price(per_coin * coins, currency, rounding, at_most=most)
        if not money.least_charge(currency) <= price <= money.most_charge(currency) or price > per_coin * coins * 3 / 2:
            continue
        if packages and price <= packages[-1].price_minor:
            packages.pop()  # nobody wants fewer coins for the same money
        packages.append(Package(coins, bonus.get(coins, 0), price))
    return Prices(tuple(packages), _custom(packages, before))


def derive_all(
    drafts: Iterable[PriceList], *, base_usd: Decimal, sizes: Sequence[int], rounding: str, market: Market
) -> tuple[dict[int, Prices], list[str]]:
    """What each draft's prices come to, by its id; and of those that cannot be derived, why."""
    wanted, left = {}, []
    for draft in drafts:
        region, before = draft.region, draft.prices()
        try:
            wanted[draft.pk] = derive(
                region, base_usd=base_usd, sizes=sizes, rounding=rounding, market=market, before=before
            )
        except NoRate as problem:
            left.append(f"{draft.region.display_name}: {problem}")
    return wanted, left


def round_price(exact: Fraction, currency: str, rounding: str, *, at_most: Fraction | None = None) -> int:
    """An amount in minor units as it is written: never zero, and always one that the provider can charge."""
    unit = money.price_step(currency)
    stride, ending = _grid(exact, currency, unit, rounding)
    nearest = _up if rounding == Rounding.EXACT or (ending and exact < SMALL * unit) else _nearest
    price = max(ending or stride, nearest((exact - ending) / stride) * stride + ending)
    while at_most is not None and price > at_most and price > stride:
        price -= stride
    return price


def _grid(exact: Fraction, currency: str, unit: int, rounding: str) -> tuple[int, int]:
    """How far prices are apart, and what they end with, in minor units."""
    whole = 10 ** money.exponent(currency)
    if rounding == Rounding.HABIT:
        rounding = Rounding.NINE if unit < whole else ""
    if rounding == Rounding.NINE:
        return 10 * unit, 9 * unit
    if rounding == Rounding.ZERO:
        return 10 * unit, 0
    if rounding == Rounding.WHOLE:
        return max(whole, unit), 0
    if rounding == Rounding.EXACT:
        return unit, 0
    digits = len(str(int(exact / unit)))
    return int(unit * 10 ** max(0, digits - 3)), 0  # three digits, then zeros


def _custom(packages: list[Package], before: Prices) -> CustomRule | None:
    if not packages:
        return None
    middle = packages[len(packages) // 2]
    limit = before.custom.max_coins if before.custom else CUSTOM_MAX_COINS
    return CustomRule(middle.coins, middle.price_minor, limit)


def _nearest(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
