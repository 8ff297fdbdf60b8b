"""What is asked for coins: the packages as they were set, and every amount between them."""

import csv
from datetime import date
from decimal import Decimal

import pytest
from conftest import draft_of, publish, put_live
from django.utils.text import slugify
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coinshop.accounts.models import CountryLaw
from payments import money, pricing, window
from payments.facts import PACKAGES
from payments.models import PackagePrice, PriceList, Region
from payments.pricing import NotSold

with PACKAGES.open(newline="") as file:
    ROWS = [row for row in csv.DictReader(file) if row["channel"] == "web"]
REGIONS = sorted({row["region"] for row in ROWS})

quickly = settings(max_examples=150, deadline=None)


@pytest.fixture
def ireland(db, ireland):
    return ireland


def region_named(name):
    return Region.objects.get(slug=slugify(name))


def where(region):
    return region.countries.first().code


@pytest.mark.parametrize("name", REGIONS)
def test_every_package_sells_at_exactly_the_price_that_was_set(db, name):
    region = region_named(name)
    prices = {package.coins: package for package in pricing.live_list(region).packages.all()}

    for row in (row for row in ROWS if row["region"] == name):
        coins, written = int(row["coins"]), Decimal(row["price_major"])
        if prices[coins].price_minor < money.least_charge(region.currency):
            continue
        offer = pricing.offer_package(region, where(region), prices[coins].pk)

        assert money.to_major(offer.price_minor, region.currency) == written
        assert (offer.coins, offer.bonus, offer.currency) == (coins, int(row["bonus"]), row["currency"])
        assert offer.net_minor + offer.tax_minor == offer.price_minor


@pytest.mark.parametrize("name", REGIONS)
def test_a_package_below_what_can_be_charged_is_neither_shown_nor_sold(db, name):
    region = region_named(name)
    too_cheap = [
        p for p in pricing.live_list(region).packages.all() if p.price_minor < money.least_charge(region.currency)
    ]
    shown = window.window_of(region, where(region)).cards

    assert {card["value"] for card in shown}.isdisjoint(str(package.pk) for package in too_cheap)
    assert shown
    for package in too_cheap:
        with pytest.raises(NotSold, match="no longer on sale"):
            pricing.offer_package(region, where(region), package.pk)
        with pytest.raises(NotSold, match="smallest amount"):
            pricing.offer_amount(region, where(region), package.coins)


def test_some_package_of_the_first_prices_is_below_what_can_be_charged(db):
    panama = region_named("Rest of the world (USD)")

    assert next(package.coins for package in pricing.live_list(panama).packages.all()) == 30
    assert next(card["coins"] for card in window.window_of(panama, "PA").cards) == 350


# Any number of coins -------------------------------------------------------------------------------------------------


def custom_lists():
    """The custom rule of every region, as a list that no database knows."""
    for name in REGIONS:
        rows = [row for row in ROWS if row["region"] == name]
        currency = rows[0]["currency"]
        reference = next(row for row in rows if row["coins"] == "700")
        yield PriceList(
            region=Region(name=name, currency=currency),
            custom_coins=700,
            custom_price_minor=money.from_major(Decimal(reference["price_major"]), currency),
            custom_max_coins=25_000,
        )


lists = st.sampled_from(list(custom_lists()))
odd_lists = st.builds(
    lambda currency, coins, price, most: PriceList(
        region=Region(currency=currency), custom_coins=coins, custom_price_minor=price, custom_max_coins=most
    ),
    st.sampled_from(sorted(money.LEAST_CHARGE)),
    st.integers(1, 5_000),
    st.integers(1, 10**8),
    st.integers(1, 10**6),
)


@quickly
@given(lists | odd_lists, st.integers(1, 10**6), st.integers(1, 10**6))
def test_more_coins_never_cost_less(prices, some, more):
    low, high = sorted([some, more])

    assert pricing.custom_price(prices, low) <= pricing.custom_price(prices, high)


@quickly
@given(lists | odd_lists, st.integers(1, 10**6))
def test_a_custom_amount_is_never_sold_below_its_share_and_at_most_a_step_above(prices, coins):
    share = Decimal(coins) * prices.custom_price_minor / prices.custom_coins
    price = pricing.custom_price(prices, coins)

    assert share <= price < share + money.price_step(prices.region.currency)


@quickly
@given(lists | odd_lists, st.data())
def test_every_amount_within_the_limits_can_be_charged(prices, data):
    least, most = pricing.custom_limits(prices)
    assume(least <= most)
    coins = data.draw(st.integers(least, most))
    price = pricing.custom_price(prices, coins)

    assert money.least_charge(prices.region.currency) <= price <= money.most_charge(prices.region.currency)


@quickly
@given(lists | odd_lists)
def test_the_smallest_amount_is_the_first_whose_share_can_be_charged(prices):
    least, _ = pricing.custom_limits(prices)
    charged = money.least_charge(prices.region.currency)

    assert least * prices.custom_price_minor >= charged * prices.custom_coins
    assert (least - 1) * prices.custom_price_minor < charged * prices.custom_coins


def test_71_coins_in_ireland_cost_their_share_rounded_up(ireland):
    assert pricing.offer_amount(ireland, "IE", 71).price_minor == 85  # 700 for 8.29: 84.08 cents


def test_an_amount_of_a_packages_size_sells_at_the_packages_price_and_with_its_bonus(new_list):
    region = new_list([(100, 0, 200), (500, 25, 900)], custom=(100, 200, 1000)).region
    offer = pricing.offer_amount(region, "IE", 500)

    assert (offer.coins, offer.bonus, offer.price_minor) == (500, 25, 900)
    assert offer.package.coins == 500
    assert pricing.offer_amount(region, "IE", 501).price_minor == 1002
    assert pricing.offer_amount(region, "IE", 501).bonus == 0


@pytest.mark.parametrize(
    ("coins", "reason"),
    [
        (1, "smallest amount .* 43 coins"),
        (0, "smallest amount"),
        (25_001, "At most 25,000"),
        (10**18, "At most 25,000"),
    ],
)
def test_an_amount_outside_the_limits_is_refused_with_the_nearest_that_can_be_bought(ireland, coins, reason):
    with pytest.raises(NotSold, match=reason):
        pricing.offer_amount(ireland, "IE", coins)


def test_the_named_limits_can_be_bought(ireland):
    assert pricing.offer_amount(ireland, "IE", 43).price_minor >= 50
    assert pricing.offer_amount(ireland, "IE", 25_000).coins == 25_000


def test_a_list_without_a_custom_rule_sells_packages_only(new_list):
    prices = new_list([(100, 0, 200)])

    with pytest.raises(NotSold, match="Only packages"):
        pricing.offer_amount(prices.region, "IE", 150)
    assert pricing.offer_package(prices.region, "IE", prices.packages.get().pk).price_minor == 200
    assert window.window_of(prices.region, "IE").custom is None


# What is not on sale -------------------------------------------------------------------------------------------------


@pytest.fixture
def new_list(ireland):
    """A live list of (coins, bonus, price in cents) in a euro region of its own."""

    def make(packages, custom=None, channel="web", state="live"):
        number = Region.objects.count()
        region = Region.objects.create(slug=f"r{number}", name=f"Region {number}", currency="EUR")
        return put(region, packages, custom, channel, state)

    def put(region, packages, custom=None, channel="web", state="live"):
        rule = dict(zip(["custom_coins", "custom_price_minor", "custom_max_coins"], custom or [], strict=bool(custom)))
        version = region.price_lists.filter(channel=channel).count() + 1
        prices = PriceList.objects.create(region=region, channel=channel, version=version, **rule)
        for coins, bonus, price in packages:
            PackagePrice.objects.create(price_list=prices, coins=coins, bonus=bonus, price_minor=price)
        if state == "live":
            put_live(prices)
        return prices

    make.put = put
    return make


def test_a_package_of_a_retired_list_is_refused(new_list):
    old = new_list([(100, 0, 200)])
    new = draft_of(old)
    new.packages.update(price_minor=250)
    publish(new)

    with pytest.raises(NotSold, match="no longer on sale"):
        pricing.offer_package(old.region, "IE", old.packages.get().pk)
    assert pricing.offer_package(old.region, "IE", new.packages.get().pk).price_minor == 250


def test_a_package_of_a_draft_is_refused(new_list):
    live = new_list([(100, 0, 200)])
    draft = new_list.put(live.region, [(100, 0, 1000)], state="draft")

    with pytest.raises(NotSold):
        pricing.offer_package(live.region, "IE", draft.packages.get().pk)


def test_a_package_of_the_apps_list_is_refused(new_list):
    live = new_list([(100, 0, 200)])
    app = new_list.put(live.region, [(100, 0, 300)], channel="app")

    with pytest.raises(NotSold):
        pricing.offer_package(live.region, "IE", app.packages.get().pk)


def test_a_package_of_another_region_is_refused(ireland):
    turkish = pricing.live_list(region_named("Turkey")).packages.first()

    with pytest.raises(NotSold):
        pricing.offer_package(ireland, "IE", turkish.pk)


def test_where_nothing_is_live_nothing_is_sold(new_list):
    draft = new_list([(100, 0, 200)], state="draft")

    with pytest.raises(NotSold, match="come back later"):
        pricing.offer_amount(draft.region, "IE", 100)
    assert window.window_of(draft.region, "IE").cards == []


# Tax -----------------------------------------------------------------------------------------------------------------


def test_the_tax_of_the_country_is_inside_the_price(ireland):
    irish, french = (pricing.offer_amount(ireland, country, 700) for country in ["IE", "FR"])

    assert irish.price_minor == french.price_minor == 829
    assert (irish.tax_name, irish.tax_rate_bp, irish.tax_minor) == ("VAT", 2300, 155)
    assert (french.tax_rate_bp, french.tax_minor) == (2000, 138)


def test_a_new_rate_counts_from_its_day_on(ireland):
    old = CountryLaw.in_force("IE")
    tomorrow = {"country": "IE", "adult_age": 18, "withdrawal_days": 14, "tax_name": "VAT"}
    CountryLaw.objects.create(valid_from=date(2999, 1, 1), tax_rate_bp=9_000, **tomorrow)
    CountryLaw.objects.create(valid_from=date(2025, 1, 1), tax_rate_bp=1_000, **tomorrow)

    assert old.tax_rate_bp == 2300
    assert pricing.offer_amount(ireland, "IE", 700).tax_minor == 75


# What is said about prices -------------------------------------------------------------------------------------------


def packages(*sizes):
    return [
        PackagePrice(pk=nth, coins=coins, bonus=bonus, price_minor=price)
        for nth, (coins, bonus, price) in enumerate(sizes)
    ]


def offers(*sizes):
    prices = PriceList(region=Region(currency="EUR"))
    return [pricing.offer_for(prices, "IE", None, coins, price, bonus=bonus) for coins, bonus, price in sizes]


def test_the_lowest_price_per_coin_is_the_best_value():
    small, large, middle = offers((100, 0, 200), (1000, 100, 1900), (500, 0, 990))

    assert pricing.best_value([small, large, middle]) == large


@pytest.mark.parametrize(
    "sizes", [[], [(100, 0, 200)], [(100, 0, 200), (200, 0, 400)], [(100, 0, 300), (50, 50, 200), (200, 0, 400)]]
)
def test_no_package_is_called_best_when_two_are_equal_or_there_is_just_one(sizes):
    assert pricing.best_value(offers(*sizes)) is None


sized = st.tuples(st.integers(1, 10**5), st.integers(0, 10**4), st.integers(1, 10**8))


@quickly
@given(sized, st.lists(sized, min_size=1, max_size=4, unique_by=lambda size: size[0]))
def test_what_is_saved_against_the_app_is_never_flattered(ours, theirs):
    (offer,) = offers(ours)
    saved = pricing.saving_percent(offer, AppList(packages(*theirs)))
    smaller = [rival for rival in theirs if rival[0] <= ours[0]]

    if not smaller:
        assert saved is None
    else:
        coins, bonus, price = max(smaller)
        their_rate, our_rate = Decimal(price) / (coins + bonus), Decimal(ours[2]) / (ours[0] + ours[1])
        assert 0 <= saved <= max(0, (1 - our_rate / their_rate) * 100)


class AppList:
    """A price list of the app that no database knows."""

    def __init__(self, rows):
        self.rows = rows

    @property
    def packages(self):
        return self

    def all(self):
        return self.rows


def test_nothing_is_said_about_the_app_where_its_prices_are_not_known(ireland):
    shown = window.window_of(ireland, "IE")

    assert shown.saving_percent is None
    assert {card["saving"] for card in shown.cards} == {None}


def test_the_shop_promises_the_smallest_of_its_savings(db):
    shown = window.window_of(region_named("United States"), "US")

    assert shown.saving_percent == min(card["saving"] for card in shown.cards)
    assert shown.cards[0]["saving"] == 25  # 0.74 instead of 0.99
