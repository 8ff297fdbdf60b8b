"""Prices from a base price: in every currency they can be charged, are written as people write, and pass the checks."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import settings as tries
from hypothesis import strategies as some

from payments import derive, money, price_checks
from payments.derive import Rounding
from payments.market import Market
from payments.models import ExchangeRate, Region
from payments.models.prices import CustomRule, Package, Prices

CURRENCIES = sorted(money.LEAST_CHARGE)
PER_USD = {"JPY": 150, "KRW": 1390, "IDR": 16_100, "VND": 26_300, "COP": 3950, "CLP": 950, "ARS": 1400, "NGN": 1500}
PER_USD |= {"HUF": 350, "UGX": 3700, "ISK": 125, "XAF": 560, "TWD": 30.5, "PKR": 281, "KWD": 0.307, "BHD": 0.376}
SIZES = [30, 70, 350, 700, 1400, 3500, 7000, 17_500]


def region_of(currency):
    return Region(pk=1, slug=currency.lower(), name=currency, currency=currency)


def market_of(currency, tax_bp=0, rate=None):
    per_usd = Decimal(str(rate or PER_USD.get(currency, 3)))
    known = ExchangeRate(currency=currency, per_usd=per_usd, day=date.today(), source="a test")
    return Market(rates={currency: known}, tax_bp={1: tax_bp})


def derived(currency, *, base="0.01057", rounding=Rounding.HABIT, tax_bp=0, sizes=SIZES, before=None, rate=None):
    how = {"base_usd": Decimal(base), "sizes": sizes, "rounding": rounding, "before": before or Prices()}
    return derive.derive(region_of(currency), market=market_of(currency, tax_bp, rate), **how)


def faults(currency, prices, market):
    return price_checks.check(price_checks.Checked(1, region_of(currency), "web", prices, market, None))


bases = some.decimals("0.0021", "0.5", places=5).map(str)


@pytest.mark.parametrize("currency", CURRENCIES)
@given(base=bases, rounding=some.sampled_from(Rounding.values), tax_bp=some.integers(0, 2700))
@example(base="0.01057", rounding="habit", tax_bp=0)
@tries(max_examples=25, deadline=None)
def test_what_is_derived_passes_every_check_of_form(currency, base, rounding, tax_bp):
    prices = derived(currency, base=base, rounding=rounding, tax_bp=tax_bp)
    found = {fault.code for fault in faults(currency, prices, market_of(currency, tax_bp))}

    assert not found & {"fraction", "most", "currency", "dearer", "least", "leap", "cheaper"}, prices
    for _coins, _bonus, price in prices.packages:
        assert price % money.step(currency) == 0
        assert money.from_major(money.to_major(price, currency), currency) == price
        assert money.least_charge(currency) <= price <= money.most_charge(currency)


@pytest.mark.parametrize("currency", CURRENCIES)
@given(exact=some.fractions(min_value=1, max_value=10**9), rounding=some.sampled_from(Rounding.values))
@tries(max_examples=25, deadline=None)
def test_a_rounded_price_is_near_and_can_be_charged(currency, exact, rounding):
    price = derive.round_price(exact, currency, rounding)
    unit, whole = money.price_step(currency), 10 ** money.exponent(currency)

    assert price > 0
    assert price % money.step(currency) == 0
    assert abs(price - exact) <= max(10 * unit, whole, exact / 100)


@pytest.mark.parametrize(
    ("currency", "rounding", "exact", "price"),
    [
        ("EUR", "habit", 1674, 1679),
        ("EUR", "habit", 74, 79),  # small prices up
        ("EUR", "zero", 1674, 1670),
        ("EUR", "whole", 1674, 1700),
        ("EUR", "exact", Fraction(16741, 10), 1675),
        ("JPY", "habit", 2444, 2440),
        ("JPY", "nine", 2443, 2439),
        ("IDR", "habit", 23_812_345, 23_800_000),
        ("KWD", "nine", 4561, 4590),
        ("UGX", "habit", 3_912_345, 3_910_000),
        ("HUF", "habit", 589_049, 589_000),
    ],
)
def test_prices_end_as_people_write_them(currency, rounding, exact, price):
    assert derive.round_price(Fraction(exact), currency, rounding) == price


def test_a_base_price_comes_to_the_markets_own_prices():
    """0.01057 USD × 0.92 × 1.2 for 1,400 coins is 16.34 EUR."""
    prices = derived("EUR", tax_bp=2000, rate="0.92")

    assert [(p.coins, p.price_minor) for p in prices.packages] == [
        *[(70, 89), (350, 409), (700, 819), (1400, 1629), (3500, 4089), (7000, 8169), (17_500, 20_419)]
    ]


def test_bonus_coins_and_the_limit_of_custom_amounts_stay():
    before = Prices((Package(700, 35, 1),), CustomRule(700, 1, 5_000))
    prices = derived("USD", before=before, sizes=[700, 1400])

    assert [package.bonus for package in prices.packages] == [35, 0]
    assert prices.custom == CustomRule(1400, prices.packages[1].price_minor, 5_000)


def test_a_size_is_left_out_where_rounding_would_take_half_as_much_again():
    """60 cents would be a whole dollar."""
    prices = derived("USD", base="0.012", sizes=[50, 700], rounding=Rounding.WHOLE)

    assert prices.packages == (Package(700, 0, 800),)


def test_without_a_rate_nothing_is_derived():
    with pytest.raises(derive.NoRate, match="No exchange rate is known for EUR"):
        derive.derive(
            region_of("EUR"), base_usd=Decimal(1), sizes=[1], rounding="habit", market=Market(), before=Prices()
        )


# Checks --------------------------------------------------------------------------------------------------------------


def listed(*packages, custom=None):
    return Prices(tuple(Package(*package) for package in packages), custom)


def codes(prices, currency="USD", market=None):
    return {fault.code for fault in faults(currency, prices, market or market_of(currency))}


@pytest.mark.parametrize(
    ("prices", "found"),
    [
        (listed((700, 0, 740), (1400, 0, 1480)), set()),
        (listed((700, 0, 740), (1400, 0, 1600)), {"dearer"}),
        (listed((700, 0, 740), (1400, 0, 740)), {"cheaper", "margin"}),
        (listed((700, 0, 740), (1400, 0, 148), (3500, 0, 3700)), {"cheaper", "dearer", "leap", "loss", "margin"}),
        (listed((700, 0, 400), (1400, 0, 800)), {"margin"}),
        (listed((700, 0, 300), (1400, 0, 600)), {"loss", "margin"}),
        (listed((30, 0, 31), (700, 0, 720)), {"least"}),
        (listed((700, 0, 740), custom=CustomRule(700, 8, 1000)), {"leap", "loss"}),
        (listed((700, 0, 740), (1_000_000, 0, money.most_charge("USD") + 1)), {"most"}),
        (listed(), {"empty"}),
    ],
)
def test_each_check_finds_what_it_is_for(prices, found):
    assert codes(prices) == found


def test_a_fraction_that_a_currency_does_not_have_is_found():
    assert codes(listed((700, 0, 27_305)), "ISK") == {"fraction"}


def test_a_currency_without_a_rate_is_told_and_not_guessed():
    assert codes(listed((700, 0, 740)), "EUR", Market()) == {"rate"}


def test_the_margin_is_what_stays_after_tax_fees_and_creators():
    """1,400 coins for 14.80 USD: 2.9 % and 30 cents for the provider, half a cent a coin for creators."""
    margin = market_of("USD").margin(1480, 1400, 0, region_of("USD"))

    assert margin == Fraction(1480 - Fraction(1480 * 29, 1000) - 30 - 700, 1480)
    assert money.percent(margin) == "47.8%"


def test_the_provider_takes_its_part_of_the_tax_too():
    """https://stripe.com/pricing: of what is charged."""
    margin = market_of("USD", tax_bp=2000).margin(1776, 1400, 0, region_of("USD"))

    assert margin == Fraction(1480 - Fraction(1776 * 29, 1000) - 30 - 700, 1480)


def test_given_coins_cost_what_creators_get_for_them(settings):
    settings.PROMO_SHARE_PERCENT = 10
    margin = market_of("USD").margin(1480, 1400, 100, region_of("USD"))

    assert margin == Fraction(1480 - Fraction(1480 * 29, 1000) - 30 - 700 - 10, 1480)


def test_what_the_app_asks_is_not_ours_to_judge():
    dear = price_checks.Checked(1, region_of("USD"), "app", listed((700, 0, 300)), market_of("USD"), None)

    assert price_checks.check(dear) == []
