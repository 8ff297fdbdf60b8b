"""The shop window: a price list as cards, in words and numbers for the person who looks."""

from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from payments import money, pricing, promotions
from payments.models import PriceList, Promotion, Region
from payments.pricing import Offer

PILES = 8  # drawings of coins, from one to many


@dataclass(frozen=True)
class Window:
    """What a region sells, ready to be shown."""

    cards: list[dict[str, Any]]
    custom: dict[str, Any] | None
    saving_percent: int | None
    tax_label: str
    promotions: list[Promotion]
    is_for_newcomers: bool


def shown(region: Region, country: str, buyer: User | None) -> Window:
    """The window for somebody, of some seconds ago at most. What an order costs is asked anew, on the way to paying."""
    for_newcomers = _remembered(region, country, is_new=True)
    is_cheaper_once = any(promotion.is_for_first_purchase for promotion in for_newcomers.promotions)
    if buyer and is_cheaper_once and promotions.has_bought(buyer):
        return _remembered(region, country, is_new=False)
    return for_newcomers


def _remembered(region: Region, country: str, *, is_new: bool) -> Window:
    key = f"window:{region.pk}:{country}:{get_language()}:{is_new}"
    if (window := cache.get(key)) is None:
        window = window_of(region, country, is_new=is_new)
        cache.set(key, window, settings.WINDOW_SECONDS)
    return cast(Window, window)


def window_of(region: Region, country: str, *, is_new: bool = True) -> Window:
    """What a region sells now, with today's promotions, as people in `country` write prices. Empty where it is nothing.

    A visitor sees what somebody new would pay.
    """
    prices = pricing.live_list(region)
    return window_by(prices, country, is_new=is_new) if prices else Window([], None, None, "", [], is_new)


def window_by(prices: PriceList, country: str, *, is_new: bool = True) -> Window:
    """What a price list sells in its region, whether it is live or not."""
    region = prices.region
    app = pricing.live_list(region, PriceList.Channel.APP)
    running = [each for each in promotions.running(None) if is_new or not each.is_for_first_purchase]
    offers = [promotions.best(offer, running) for offer in pricing.offers_on_sale(prices, country)]
    best, chosen = pricing.best_value(offers), pricing.most_chosen(region)
    cards = [
        _card(offer, nth)
        | {
            "saving": pricing.saving_percent(offer, app),
            "is_best": offer == best,
            "is_most_chosen": offer.coins == chosen,
        }
        for nth, offer in enumerate(offers, start=1)
    ]
    savings = [card["saving"] for card in cards if card["saving"] is not None]
    tax = cards[0]["tax_label"] if cards else ""
    given = list(dict.fromkeys(offer.promotion for offer in offers if offer.promotion))
    return Window(cards, _custom(prices, country), min(savings) or None if savings else None, tax, given, is_new)


def _card(offer: Offer, nth: int) -> dict[str, Any]:
    return quote(offer) | {
        "value": str(offer.package.pk) if offer.package else "",
        "rate": _rate(pricing.per_100(offer.price_minor, offer.total_coins), offer.currency, offer.country),
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
        "list_price": show(offer.list_minor, offer.currency, offer.country) if offer.discount_minor else "",
        "discount": show(-offer.discount_minor, offer.currency, offer.country) if offer.discount_minor else "",
        "promotion": offer.promotion,
        "code": offer.coupon.code if offer.coupon else "",
        "net": show(offer.net_minor, offer.currency, offer.country),
        "tax": show(offer.tax_minor, offer.currency, offer.country) if offer.tax_rate_bp else None,
        "tax_label": tax_label(offer.tax_name, offer.tax_rate_bp),
    }


def tax_label(name: str, rate_bp: int) -> str:
    """VAT 23%, or an empty string where no tax is shown."""
    percent = f"{rate_bp // 100}.{rate_bp % 100:02}".rstrip("0").rstrip(".")
    return f"{name} {percent}%" if rate_bp else ""
