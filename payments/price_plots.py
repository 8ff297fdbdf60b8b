"""Pictures for whoever sets prices: what a coin costs where, what was sold, and what other prices would have earned."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from payments import money, price_checks
from payments.market import DOLLAR, Market
from payments.models import Order, PriceList, Region
from payments.window import show

DAYS = 30


@dataclass(frozen=True)
class Level:
    """A bar that lies beside its name: how long, in percent of the longest, and its figure as people read it."""

    name: str
    told: str
    percent: str
    is_new: bool = False


@dataclass(frozen=True)
class Sold:
    """What a region's people bought in a month: paid orders, gross, in minor units of its currency."""

    region: Region
    units: dict[int, int]
    paid_minor: dict[int, int]

    @property
    def name(self) -> str:
        return self.region.display_name

    @property
    def total(self) -> str:
        return show(sum(self.paid_minor.values()), self.region.currency, "")

    @property
    def packages(self) -> list["SoldPackage"]:
        """Each size with its bars, in percent of the size that sold most."""
        most_units, most_paid = max(self.units.values()), max(self.paid_minor.values())
        return [
            SoldPackage(
                coins=coins,
                units=count,
                paid=show(self.paid_minor[coins], self.region.currency, ""),
                units_percent=_share(count, most_units),
                paid_percent=_share(self.paid_minor[coins], most_paid),
            )
            for coins, count in sorted(self.units.items())
        ]


@dataclass(frozen=True)
class SoldPackage:
    """How often a size was bought, and what was paid for it, with the lengths of both bars."""

    coins: int
    units: int
    paid: str
    units_percent: str
    paid_percent: str


def coins_across_regions(market: Market, drafts: Iterable[PriceList] = ()) -> list[Level]:
    """What a hundred coins bring in each region, after tax, in US dollars: as it is live, or as a draft has it."""
    mine = {draft.region_id: draft for draft in drafts if draft.channel == PriceList.Channel.WEB}
    live = {region: each for (region, channel), each in market.live.items() if channel == PriceList.Channel.WEB}
    worth = []
    for region_id, each in {**live, **mine}.items():
        usd = price_checks.coin_usd(each.prices(), each.region, market)
        if usd is not None:
            worth.append((usd, each.region.display_name, region_id in mine))
    longest = max((usd for usd, _name, _new in worth), default=Fraction(1))
    return [
        Level(name, show(round(usd * 10_000), DOLLAR, ""), _share(usd, longest), is_new)
        for usd, name, is_new in sorted(worth, reverse=True, key=lambda level: (level[0], level[1]))
    ]


def sold_lately() -> list[Sold]:
    """What was bought in thirty days, by region and size, most units first."""
    since = timezone.now() - timedelta(days=DAYS)
    orders = Order.objects.filter(state=Order.State.SETTLED, settled_at__gt=since)
    rows = orders.values_list("region", "coins").annotate(n=Count("pk"), paid=Sum("price_minor"))
    units: dict[int, dict[int, int]] = defaultdict(dict)
    paid: dict[int, dict[int, int]] = defaultdict(dict)
    for region, coins, count, total in rows:
        units[region][coins], paid[region][coins] = count, total
    regions = Region.objects.prefetch_related("countries").in_bulk(units)
    sold = [Sold(regions[pk], units[pk], paid[pk]) for pk in units]
    return sorted(sold, key=lambda each: -sum(each.units.values()))


def would_have_earned(drafts: list[PriceList]) -> list[dict[str, Any]]:
    """What drafts' prices would have brought in thirty days beside what was paid, had people bought just the same.

    Sizes that a draft does not have keep what was paid.
    """
    sold = {each.region.pk: each for each in sold_lately()}
    lines = []
    for draft in drafts:
        mine = sold.get(draft.region_id)
        if mine is None or draft.channel != PriceList.Channel.WEB:
            continue
        prices = {package.coins: package.price_minor for package in draft.prices().packages}
        was = sum(mine.paid_minor.values())
        would = sum(
            count * prices[coins] if coins in prices else mine.paid_minor[coins] for coins, count in mine.units.items()
        )
        currency = draft.region.currency
        lines.append(
            {
                "region": draft.region.display_name,
                "units": sum(mine.units.values()),
                "was": show(was, currency, ""),
                "would": show(would, currency, ""),
                "percent": money.percent(Fraction(would - was, was or 1), sign="+"),
                "was_percent": _share(was, max(was, would)),
                "would_percent": _share(would, max(was, would)),
            }
        )
    return lines


def _share(part: Fraction | int, most: Fraction | int) -> str:
    """A bar's length as SVG reads it."""
    return money.percent(Fraction(part) / (most or 1)).rstrip("%")
