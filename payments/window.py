"""The shop window: a price list as cards, in words and numbers for the person who looks."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coinshop.accounts.models import CountryLaw
from payments import money, pricing
from payments.models import PackagePrice, PriceList, Region
from payments.pricing import Offer

PILES = 8  # drawings of coins, from one to many


@dataclass(frozen=True)
class Window:
    """What a region sells, ready to be shown."""

    cards: list[dict[str, Any]]
    custom: dict[str, Any] | None
    saving_percent: int | None


def window_of(region: Region, country: str) -> Window:
    """The live packages of a region, as people in `country` write prices. Empty where nothing is sold."""
    prices = pricing.live_list(region)
    if prices is None:
        return Window([], None, None)
    app = pricing.live_list(region, PriceList.Channel.APP)
    packages = pricing.packages_on_sale(prices)
    best = pricing.best_value(packages)
    chosen = pricing.most_chosen(region)
    cards = [_card(package, region, country, app, nth, best, chosen) for nth, package in enumerate(packages, start=1)]
    savings = [card["saving"] for card in cards if card["saving"] is not None]
    return Window(cards, _custom(prices, country), min(savings) or None if savings else None)


def _card(
    package: PackagePrice,
    region: Region,
    country: str,
    app: PriceList | None,
    nth: int,
    best: PackagePrice | None,
    most_chosen: int | None,
) -> dict[str, Any]:
    total = package.coins + package.bonus
    return {
        "value": str(package.pk),
        "coins": package.coins,
        "bonus": package.bonus,
        "total_coins": total,
        "price": show(package.price_minor, region.currency, country),
        "rate": _rate(pricing.per_100(package.price_minor, total), region.currency, country),
        "saving": pricing.saving_percent(package, app),
        "is_best": package == best,
        "is_most_chosen": package.coins == most_chosen,
        "pile": min(nth, PILES),
    }


def _custom(prices: PriceList, country: str) -> dict[str, Any] | None:
    try:
        least, most = pricing.custom_limits(prices)
    except pricing.NotSold:
        return None
    currency = prices.region.currency
    rate_minor = pricing.per_100(prices.custom_price_minor or 0, prices.custom_coins or 1)
    return {
        "min": least,
        "max": most,
        "rate": _rate(rate_minor, currency, country),
        "price_minor": prices.custom_price_minor,
        "per_coins": prices.custom_coins,
        "step": money.step(currency),
        "exponent": money.exponent(currency),
        "currency": currency,
        "locale": money.locale_tag(get_language() or "en", country),
    }


def _rate(per_100_minor: int, currency: str, country: str) -> str:
    return _("%(price)s / 100") % {"price": show(per_100_minor, currency, country)}


def show(amount_minor: int, currency: str, country: str) -> str:
    """A price for the person who looks."""
    return money.display(amount_minor, currency, language=get_language() or "en", country=country)


def quote(offer: Offer) -> dict[str, Any]:
    """An offer as the summary shows it."""
    return {
        "coins": offer.coins,
        "bonus": offer.bonus,
        "total_coins": offer.total_coins,
        "price": show(offer.price_minor, offer.currency, offer.country),
        "net": show(offer.net_minor, offer.currency, offer.country),
        "tax": show(offer.tax_minor, offer.currency, offer.country) if offer.tax_rate_bp else None,
        "tax_label": tax_label(offer.tax_name, offer.tax_rate_bp),
    }


def tax_of(country: str) -> str:
    """The tax that prices in a country include, as people know it: VAT 23%. Empty where there is none."""
    law = CountryLaw.in_force(country)
    return tax_label(law.tax_name, law.tax_rate_bp) if law else ""


def tax_label(name: str, rate_bp: int) -> str:
    """VAT 23%, or an empty string where no tax is shown."""
    percent = f"{rate_bp // 100}.{rate_bp % 100:02}".rstrip("0").rstrip(".")
    return f"{name} {percent}%" if rate_bp else ""
