"""What coins cost: live packages, the custom amount, and the offer that an order is made from."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _

from coinshop.accounts.models import CountryLaw
from payments import money
from payments.models import Coupon, Order, PackagePrice, PriceList, Promotion, Region

CHOSEN_FOR = timedelta(days=90)
CHOSEN_AT_LEAST = 20  # orders, before one can speak of what people choose


class NotSold(Exception):
    """What was asked for is not on sale. `args[0]` says so to the person, with what to do next."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Coins for a price, as it stands now. Prices are minor units and include the tax.

    `price_minor` and `bonus` are what counts, the promotion's part included: `discount_minor` came off the list price.
    """

    price_list: PriceList
    package: PackagePrice | None
    coins: int
    bonus: int
    price_minor: int
    currency: str
    country: str
    tax_minor: int
    tax_rate_bp: int
    tax_name: str
    promotion: Promotion | None = None
    coupon: Coupon | None = None
    discount_minor: int = 0

    @property
    def total_coins(self) -> int:
        return self.coins + self.bonus

    @property
    def list_minor(self) -> int:
        return self.price_minor + self.discount_minor

    @property
    def net_minor(self) -> int:
        return self.price_minor - self.tax_minor


def live_list(region: Region, channel: str = PriceList.Channel.WEB) -> PriceList | None:
    """The price list that sells in a region now; None where nothing does."""
    lists = PriceList.objects.filter(region=region, channel=channel, state=PriceList.State.LIVE)
    return lists.select_related("region").prefetch_related("packages").first()


def offers_on_sale(prices: PriceList, country: str) -> list[Offer]:
    """The packages that can be bought, smallest first, at their own prices."""
    law = CountryLaw.in_force(country)
    return [_offer_of(package, prices, country, law) for package in packages_on_sale(prices)]


def packages_on_sale(prices: PriceList) -> list[PackagePrice]:
    """The packages of a list that the provider can charge, smallest first."""
    least = money.least_charge(prices.region.currency)
    return [package for package in prices.packages.all() if package.price_minor >= least]


def offer_package(region: Region, country: str, package_id: int) -> Offer:
    """A package of the region's live list. Raises NotSold for any other."""
    prices = _selling(region)
    for package in packages_on_sale(prices):
        if package.pk == package_id:
            return _offer_of(package, prices, country, CountryLaw.in_force(country))
    raise NotSold(_("This price is no longer on sale. Please choose again: these are today's prices."))


def offer_amount(region: Region, country: str, coins: int) -> Offer:
    """Any number of coins, within the region's limits; a package of just that size sells at its own price.

    Raises NotSold, which names the nearest number that can be bought.
    """
    prices = _selling(region)
    least, most = custom_limits(prices)
    if coins < least:
        raise NotSold(_("The smallest amount we can charge is %(least)s coins.") % {"least": localize(least)})
    if coins > most:
        raise NotSold(_("At most %(most)s coins at once. You can buy again afterwards.") % {"most": localize(most)})
    for package in packages_on_sale(prices):
        if package.coins == coins:
            return _offer_of(package, prices, country, CountryLaw.in_force(country))
    return offer_for(prices, country, CountryLaw.in_force(country), coins, custom_price(prices, coins))


def at_price(offer: Offer, price_minor: int, **changes: Any) -> Offer:
    """The same offer for another price, with the tax that lies within it."""
    return replace(
        offer, price_minor=price_minor, tax_minor=money.tax_within(price_minor, offer.tax_rate_bp), **changes
    )


def custom_price(prices: PriceList, coins: int) -> int:
    """The price of any number of coins, in minor units: in proportion, rounded up to what can be charged."""
    if prices.custom_coins is None or prices.custom_price_minor is None:
        raise NotSold(_("Only packages are sold in your region. Please choose one."))
    return money.round_up(Decimal(coins * prices.custom_price_minor) / prices.custom_coins, prices.region.currency)


def custom_limits(prices: PriceList) -> tuple[int, int]:
    """The smallest and the largest custom amount: what the provider can charge, and what the list allows."""
    if prices.custom_coins is None or prices.custom_price_minor is None or prices.custom_max_coins is None:
        raise NotSold(_("Only packages are sold in your region. Please choose one."))
    currency = prices.region.currency
    least = -(-money.least_charge(currency) * prices.custom_coins // prices.custom_price_minor)
    while custom_price(prices, least) < money.least_charge(currency):
        least += 1
    most = min(prices.custom_max_coins, money.most_charge(currency) * prices.custom_coins // prices.custom_price_minor)
    return least, most


def per_100(price_minor: int, coins: int) -> int:
    """What 100 coins cost at this price, in minor units, to the nearest."""
    return (price_minor * 200 + coins) // (coins * 2)


def saving_percent(offer: Offer, app: PriceList | None) -> int | None:
    """How much less a coin costs than in the app, in whole percent and never flattered; None where nothing is known.

    Compared with the app's package of the same size, or else with its largest that is not larger.
    """
    rivals = [rival for rival in app.packages.all() if rival.coins <= offer.coins] if app else []
    if not rivals:
        return None
    rival = max(rivals, key=lambda each: each.coins)
    ours = offer.price_minor * (rival.coins + rival.bonus)
    theirs = rival.price_minor * offer.total_coins
    return max(0, (theirs - ours) * 100 // theirs)


def price_per_coin(offer: Offer) -> Fraction:
    """In minor units, exactly."""
    return Fraction(offer.price_minor, offer.total_coins)


def best_value(offers: list[Offer]) -> Offer | None:
    """The offer with the lowest price per coin, if there is just one."""
    ranked = sorted(offers, key=price_per_coin)
    if len(ranked) < 2 or price_per_coin(ranked[0]) == price_per_coin(ranked[1]):
        return None
    return ranked[0]


def most_chosen(region: Region) -> int | None:
    """The size, in coins, of the package that people of a region bought most in three months; None where few did.

    Looked up every ten minutes. Two that were bought as often are neither.
    """
    if (size := cache.get(f"most-chosen:{region.pk}")) is None:
        since = timezone.now() - CHOSEN_FOR
        bought = Order.objects.filter(
            region=region, state=Order.State.SETTLED, settled_at__gt=since, package__isnull=False
        )
        first, second = [*bought.values_list("coins").annotate(n=Count("pk")).order_by("-n")[:2], (0, 0), (0, 0)][:2]
        size = first[0] if first[1] >= CHOSEN_AT_LEAST and first[1] > second[1] else 0
        cache.set(f"most-chosen:{region.pk}", size, 600)
    return size or None


def _selling(region: Region) -> PriceList:
    prices = live_list(region)
    if prices is None:
        raise NotSold(_("Nothing is sold in your region at the moment. Please come back later."))
    return prices


def _offer_of(package: PackagePrice, prices: PriceList, country: str, law: CountryLaw | None) -> Offer:
    return offer_for(prices, country, law, package.coins, package.price_minor, bonus=package.bonus, package=package)


def offer_for(
    prices: PriceList,
    country: str,
    law: CountryLaw | None,
    coins: int,
    price_minor: int,
    *,
    bonus: int = 0,
    package: PackagePrice | None = None,
) -> Offer:
    """Coins of a list for a price in minor units, with the tax that the law of a country asks for."""
    rate_bp = law.tax_rate_bp if law else 0
    return Offer(
        price_list=prices,
        package=package,
        coins=coins,
        bonus=bonus,
        price_minor=price_minor,
        currency=prices.region.currency,
        country=country,
        tax_minor=money.tax_within(price_minor, rate_bp),
        tax_rate_bp=rate_bp,
        tax_name=law.tax_name if law else "",
    )
