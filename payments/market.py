"""What prices are compared with: exchange rates, taxes, what is live; and what is left of a price."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from coinshop.accounts.models import CountryLaw, User
from payments import money
from payments.models import ExchangeRate, PriceChange, PriceList, Region
from payments.models.prices import Prices

DOLLAR = "USD"
FRESH_DAYS = 7
DIAMONDS_OF_A_DOLLAR = 100  # at a share of 50 a coin pays its creator half a US cent


@dataclass(frozen=True)
class Market:
    """As it is at one moment. Taxes are in basis points: the highest of a region's countries, so nobody sells below."""

    rates: dict[str, ExchangeRate] = field(default_factory=dict)
    tax_bp: dict[int, int] = field(default_factory=dict)
    live: dict[tuple[int, str], PriceList] = field(default_factory=dict)

    @classmethod
    def now(cls) -> "Market":
        lists = PriceList.objects.filter(state=PriceList.State.LIVE).select_related("region")
        return cls(
            rates={rate.currency: rate for rate in _newest()},
            tax_bp=_taxes(),
            live={
                (each.region_id, each.channel): each for each in lists.prefetch_related("packages", "region__countries")
            },
        )

    def per_usd(self, currency: str) -> Fraction | None:
        """How many units of a currency a US dollar is; None where we know no rate."""
        if currency == DOLLAR:
            return Fraction(1)
        rate = self.rates.get(currency)
        return Fraction(rate.per_usd) if rate else None

    def age_days(self, currency: str) -> int | None:
        """How old the rate of a currency is; None where we know none. A dollar is a dollar."""
        if currency == DOLLAR:
            return 0
        rate = self.rates.get(currency)
        return (_today() - rate.day).days if rate else None

    def is_stale(self, currency: str) -> bool:
        age = self.age_days(currency)
        return age is not None and age > FRESH_DAYS

    def prices_of(self, region: Region, channel: str = PriceList.Channel.WEB) -> Prices | None:
        """What is live in a region."""
        live = self.live.get((region.pk, channel))
        return live.prices() if live else None

    def net_usd(self, amount_minor: int, region: Region) -> Fraction | None:
        """What of an amount is left after the region's tax, in US dollars; None without a rate."""
        rate = self.per_usd(region.currency)
        if rate is None:
            return None
        net = Fraction(amount_minor * 10_000, 10_000 + self.tax_bp.get(region.pk, 0))
        return Fraction(net / (10 ** money.exponent(region.currency) * rate))

    def margin(
        self, amount_minor: int, coins: int, bonus: int, region: Region, *, each_fee: bool = True
    ) -> Fraction | None:
        """The part of the net price that stays with the shop when all its coins become diamonds; None without a rate.

        The provider keeps a part of the gross and a fee for each payment; creators get their share of bought and of
        given coins. Without the fee for each it is what a coin leaves, however small the package.
        """
        net, gross = self.net_usd(amount_minor, region), self._gross_usd(amount_minor, region)
        if net is None or gross is None:
            return None
        fee = gross * Fraction(settings.PROVIDER_FEE_BP, 10_000) + (
            Fraction(settings.PROVIDER_FEE_CENTS, 100) if each_fee else 0
        )
        earned = coins * settings.CREATOR_SHARE_PERCENT + bonus * settings.PROMO_SHARE_PERCENT
        creators = Fraction(earned, 100 * DIAMONDS_OF_A_DOLLAR)
        return Fraction((net - fee - creators) / net)

    def _gross_usd(self, amount_minor: int, region: Region) -> Fraction | None:
        rate = self.per_usd(region.currency)
        return Fraction(Fraction(amount_minor) / (10 ** money.exponent(region.currency) * rate)) if rate else None


@transaction.atomic
def enter(rates: dict[str, Decimal], *, day: date, source: str, by: User | None) -> int:
    """Write rates down, units for one US dollar; those of the same day are written anew. Returns how many there are.

    The log keeps who did, with the rates that counted before.
    """
    rows = [
        ExchangeRate(currency=currency, per_usd=rate, day=day, source=source[:100]) for currency, rate in rates.items()
    ]
    before = _newest().filter(currency__in=rates)
    PriceChange.objects.create(
        what=PriceChange.What.RATES,
        by=by,
        before={rate.currency: [f"{rate.per_usd:f}", rate.day.isoformat(), rate.source] for rate in before},
        after={row.currency: [f"{row.per_usd:f}", day.isoformat(), row.source] for row in rows},
    )
    ExchangeRate.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["currency", "day"], update_fields=["per_usd", "source"]
    )
    return len(rows)


def fresh_since() -> date:
    """The oldest day whose rates are not old yet."""
    return _today() - timedelta(days=FRESH_DAYS)


def _newest() -> QuerySet[ExchangeRate]:
    return ExchangeRate.objects.order_by("currency", "-day").distinct("currency")


def _taxes() -> dict[int, int]:
    in_force = CountryLaw.objects.filter(valid_from__lte=_today()).order_by("country", "-valid_from")
    rates = dict(in_force.distinct("country").values_list("country", "tax_rate_bp"))
    regions = Region.objects.prefetch_related("countries")
    return {
        region.pk: max((rates.get(country.code, 0) for country in region.countries.all()), default=0)
        for region in regions
    }


def _today() -> date:
    return timezone.now().date()
