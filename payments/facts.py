"""The regions and price lists we begin with: the market's web prices, and app prices to compare with where known."""

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.db import transaction
from django.utils.text import slugify

from payments import market, money, revisions
from payments.models import ExchangeRate, PackagePrice, PriceList, Region, RegionCountry

PACKAGES = Path(__file__).parent / "data" / "packages.csv"
RATES = Path(__file__).parent / "data" / "rates.csv"
REFERENCE_COINS = 700  # the package whose price per coin a custom amount has
CUSTOM_MAX_COINS = 25_000

Row = dict[str, str]


def load() -> None:
    """Add the regions that are missing, each with its price lists, and put those live. Others stay as they are.

    Where no exchange rate is known, those we begin with: rounded, and old, so that whoever derives prices is warned.
    """
    if not ExchangeRate.objects.exists():
        _rates()
    for rows in _grouped().values():
        with transaction.atomic():
            region = _region(rows[0])
            for channel in PriceList.Channel.values:
                packages = [row for row in rows if row["channel"] == channel]
                if packages and not region.price_lists.filter(channel=channel).exists():
                    revisions.put_first_live(_price_list(region, channel, packages))


def _rates() -> None:
    rates: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
    with RATES.open(newline="") as file:
        for row in csv.DictReader(file):
            rates[row["day"], row["source"]][row["currency"]] = Decimal(row["per_usd"])
    for (day, source), mine in rates.items():
        market.enter(mine, day=date.fromisoformat(day), source=source, by=None)


def _grouped() -> dict[str, list[Row]]:
    regions: dict[str, list[Row]] = defaultdict(list)
    with PACKAGES.open(newline="") as file:
        for row in csv.DictReader(file):
            regions[row["region"]].append(row)
    return regions


def _region(row: Row) -> Region:
    facts = {"name": row["region"], "currency": row["currency"]}
    region, _ = Region.objects.get_or_create(slug=slugify(row["region"]), defaults=facts)
    for code in row["country_codes"].split():
        RegionCountry.objects.get_or_create(code=code, defaults={"region": region})
    return region


def _price_list(region: Region, channel: str, rows: list[Row]) -> PriceList:
    prices = {int(row["coins"]): money.from_major(Decimal(row["price_major"]), region.currency) for row in rows}
    custom = {}
    if channel == PriceList.Channel.WEB:
        reference = prices[REFERENCE_COINS]
        custom = {
            "custom_coins": REFERENCE_COINS,
            "custom_price_minor": reference,
            "custom_max_coins": CUSTOM_MAX_COINS,
        }
    draft = PriceList.objects.create(region=region, channel=channel, version=1, **custom)
    PackagePrice.objects.bulk_create(
        PackagePrice(
            price_list=draft, coins=int(row["coins"]), bonus=int(row["bonus"]), price_minor=prices[int(row["coins"])]
        )
        for row in rows
    )
    return draft
