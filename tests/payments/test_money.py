"""Whole minor units, the way the provider counts them: nothing is lost, nothing is made up."""

import csv
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments import money
from payments.facts import PACKAGES

with PACKAGES.open(newline="") as file:
    SOLD_IN = sorted({row["currency"] for row in csv.DictReader(file)})
CURRENCIES = sorted({*SOLD_IN, "JPY", "KWD", "UGX", "ISK", "HUF", "TWD"})

quickly = settings(max_examples=200, deadline=None)
currencies = st.sampled_from(CURRENCIES)


@quickly
@given(currencies, st.integers(0, 10**12))
def test_an_amount_that_can_be_charged_survives_being_written_and_read(currency, steps):
    minor = steps * money.step(currency)

    assert money.from_major(money.to_major(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("written", "currency", "minor"),
    [
        ("12.34", "EUR", 1234),
        ("500", "JPY", 500),
        ("12.340", "KWD", 12340),
        ("1500", "UGX", 150000),
        ("1500", "ISK", 150000),
        ("175.50", "HUF", 17550),
        ("24", "TWD", 2400),
        ("11900", "IDR", 1190000),
        ("9800", "VND", 9800),
    ],
)
def test_a_written_price_becomes_what_the_provider_is_sent(written, currency, minor):
    assert money.from_major(Decimal(written), currency) == minor


@pytest.mark.parametrize(
    ("written", "currency"),
    [("0.001", "EUR"), ("1.5", "JPY"), ("1.234", "KWD"), ("1.2345", "KWD"), ("1.50", "UGX"), ("0.01", "ISK")],
)
def test_a_fraction_that_the_currency_does_not_have_is_refused(written, currency):
    with pytest.raises(ValueError, match=currency):
        money.from_major(Decimal(written), currency)


@pytest.mark.parametrize("code", ["", "EU", "eur", "EURO", "ÉUR", "12€"])
def test_what_is_no_currency_is_refused(code):
    with pytest.raises(money.UnknownCurrency):
        money.exponent(code)


@quickly
@given(st.integers(1, 10**12), st.integers(0, 9_999))
def test_net_and_tax_add_up_to_the_price_and_the_tax_is_the_rate_of_the_net(price, rate_bp):
    tax = money.tax_within(price, rate_bp)
    net = price - tax

    assert 0 <= tax < price
    assert abs(tax * 10_000 - net * rate_bp) * 2 <= 10_000 + rate_bp  # no whole unit is nearer


def test_half_a_unit_of_tax_goes_to_the_tax_office():
    assert money.tax_within(3, 2000) == 1  # exactly 0.5
    assert money.tax_within(829, 2300) == 155  # 155.02
    assert money.tax_within(415, 2300) == 78  # 77.60


@quickly
@given(currencies, st.integers(0, 10**9), st.integers(1, 10**6))
def test_rounding_up_gives_the_smallest_amount_that_is_written_there_and_is_enough(currency, amount, parts):
    exact = Decimal(amount) / parts
    charged = money.round_up(exact, currency)

    assert charged % money.step(currency) == 0
    assert charged >= exact
    assert charged - money.price_step(currency) < exact
    assert currency not in money.WRITTEN_WHOLE or charged % 100 == 0


def test_a_tenth_of_a_cent_is_a_cent():
    assert money.round_up(Decimal("84.08"), "EUR") == 85
    assert money.round_up(Decimal("84"), "EUR") == 84
    assert money.round_up(Decimal("84.08"), "KWD") == 90
    assert money.round_up(Decimal("100.01"), "UGX") == 200


@pytest.mark.parametrize("currency", SOLD_IN)
def test_the_least_that_can_be_charged_is_known_wherever_we_sell(currency):
    least = money.least_charge(currency)

    assert least > 0
    assert least % money.step(currency) == 0
    assert least < money.most_charge(currency)


def test_the_least_is_not_made_up_where_it_is_not_known():
    with pytest.raises(money.UnknownCurrency):
        money.least_charge("DJF")


NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("minor", "currency", "country", "language", "shown"),
    [
        (441, "BRL", "BR", "en", f"R${NBSP}4,41"),
        (122, "JPY", "JP", "en", "¥122"),
        (74, "USD", "US", "en", "$0.74"),
        (74, "USD", "EC", "en", "$0,74"),
        (415, "EUR", "IE", "en", "€4.15"),
        (415, "EUR", "FR", "en", f"4,15{NBSP}€"),
        (1190000, "IDR", "ID", "en", "Rp11.900"),
        (1190050, "IDR", "ID", "en", "Rp11.900,50"),
        (2400, "TWD", "TW", "en", "NT$24"),
        (9800, "VND", "VN", "en", f"9.800{NBSP}₫"),
        (6400, "CHF", "CH", "en", f"CHF{NBSP}64.00"),
        (12340, "KWD", "", "en", f"KWD{NBSP}12.340"),
        (319, "SAR", "SA", "en", f"SAR{NBSP}3.19"),
        (319, "SAR", "SA", "ar", f"\u200f3.19{NBSP}ر.س.\u200f"),
    ],
)
def test_a_price_is_written_as_its_country_writes_it(minor, currency, country, language, shown):
    # Whether a space stands between a code and its number differs between editions of the world's locale data.
    written = money.display(minor, currency, language=language, country=country)

    assert written in (shown, shown.replace(NBSP, ""))


@quickly
@given(
    currencies,
    st.integers(1, 10**9),
    st.sampled_from(["en", "ar"]),
    st.sampled_from(["", "US", "SA", "BR", "JP", "CH"]),
)
def test_no_digit_of_a_price_is_lost_on_the_page(currency, steps, language, country):
    minor = steps * money.step(currency)
    shown = money.display(minor, currency, language=language, country=country)
    digits = "".join(letter for letter in shown if letter.isdigit())

    assert int(digits) in (minor, minor // 10 ** money.exponent(currency))
    assert Decimal(minor) == money.to_major(minor, currency).scaleb(money.exponent(currency))
