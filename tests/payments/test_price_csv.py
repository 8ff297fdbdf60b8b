"""Prices as a file: what it would change is shown first, each error has its line, and nothing is half applied."""

import pytest

from payments import market, price_csv, price_grid, price_sheet, revisions
from payments.models import Region

HEAD = "region,currency,coins,bonus,price\n"


@pytest.fixture
def drafts(db):
    regions = Region.objects.filter(slug__in=["eurozone", "japan"])
    return price_grid.drafts_of(revisions.begin(name="File", regions=regions, by=None))


def problems(text, drafts):
    return [(problem.line, problem.text) for problem in price_csv.read(HEAD + text, drafts).problems]


def test_what_is_written_is_read_as_it_was(drafts):
    reading = price_csv.read("".join(price_csv.write(drafts)), drafts)

    assert reading.problems == []
    assert {draft.pk: draft.prices() for draft in drafts} == reading.prices


def test_a_region_that_is_not_named_stays_as_it_is(drafts):
    reading = price_csv.read(HEAD + "japan,JPY,700,0,1250\n", drafts)

    assert [*reading.prices] == [draft.pk for draft in drafts if draft.region.slug == "japan"]


def test_any_amount_goes_on_costing_what_its_package_does(drafts):
    (euro,) = [draft for draft in drafts if draft.region.slug == "eurozone"]
    coins, price_minor, most = euro.prices().custom
    assert (coins, price_minor) == (700, 829)
    reading = price_csv.read(HEAD + "eurozone,EUR,700,0,8.34\neurozone,EUR,1400,0,16.6\n", drafts)

    assert reading.prices[euro.pk].custom == (700, 834, most)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('eurozone,EUR,700,0,"8,29"', "“8,29” is no price. Write it with a point: 16.79."),
        ("eurozone,EUR,700,0,8.295", "EUR has no such fraction."),
        ("eurozone,EUR,700,0,-8.29", "A cell begins like a formula. Write plain values."),
        ("eurozone,EUR,700,0,=8.29", "A cell begins like a formula. Write plain values."),
        ("eurozone,EUR,700,0,1e3", "“1e3” is no price. Write it with a point: 16.79."),
        ("eurozone,EUR,700,0,nan", "“nan” is no price. Write it with a point: 16.79."),
        ("eurozone,EUR,700,0,0", "“0” is no price. Write it with a point: 16.79."),
        ("eurozone,EUR,700,0", "“” is no price. Write it with a point: 16.79."),
        ("eurozone,USD,700,0,8.29", "Prices of this region are in EUR, not in USD."),
        ("atlantis,EUR,700,0,8.29", "“atlantis” is not in this draft."),
        ("eurozone,EUR,7.5,0,8.29", "“7.5” is no whole number of coins."),
        ("japan,JPY,700,0,1250.5", "JPY has no such fraction."),
    ],
)
def test_each_error_is_told_with_its_line(drafts, row, told):
    assert problems(f"japan,JPY,350,0,610\n{row}\n", drafts) == [(3, told)]


def test_a_row_that_stands_twice_is_an_error(drafts):
    rows = "eurozone,EUR,700,0,8.29\neurozone,EUR,700,0,8.49\n"

    assert problems(rows, drafts) == [(3, "700 coins stand twice for this region.")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b" " * 50_000_000, "larger than 300 kilobytes"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"a;b;c\n1;2;3\n", "has to name the columns"),
        (HEAD.encode(), "no prices below its head"),
        (b"", "no table"),
    ],
)
def test_a_file_that_holds_no_prices_is_refused_in_words(drafts, content, told):
    with pytest.raises(price_csv.Unreadable, match=told):
        price_csv.read(price_csv.text_of(content), drafts)


# What is typed into the grid -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        *[("16.79", "EUR", 1679), ("16,79", "EUR", 1679), ("1.234,50", "EUR", 123450), ("1,234.50", "USD", 123450)],
        *[("2,440", "JPY", 2440), ("2 440", "JPY", 2440), ("239.000", "IDR", 23_900_000), ("4,590", "KWD", 4590)],
        *[("١٦٫٧٩", "SAR", 1679), ("1’234.50", "CHF", 123450), ("7", "EUR", 700), ("1.000.000", "IDR", 100_000_000)],
    ],
)
def test_an_amount_is_read_as_people_write_it(text, currency, minor):
    assert price_sheet.amount_of(text, currency) == minor


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "1e3", "nan", "16.795", "1,2,3,", "=1+1", "²"])
def test_what_is_no_amount_is_refused_in_words(text):
    with pytest.raises(ValueError, match="Write a price above zero|no such fraction"):
        price_sheet.amount_of(text, "EUR")


def test_the_newest_rate_counts(db):
    from datetime import date
    from decimal import Decimal

    market.enter({"EUR": Decimal("0.9")}, day=date(2026, 11, 20), source="a", by=None)
    market.enter({"EUR": Decimal("0.91")}, day=date(2026, 11, 20), source="b", by=None)
    market.enter({"EUR": Decimal("0.5")}, day=date(2026, 1, 1), source="old", by=None)

    assert market.Market.now().rates["EUR"].per_usd == Decimal("0.91")
