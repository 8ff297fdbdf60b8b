"""Price lists have a life: a draft is edited, a live list is frozen, a retired one is kept."""

import contextlib
import csv

import pytest
from conftest import draft_of, publish
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, transaction

from payments import money, pricing, revisions
from payments.facts import PACKAGES
from payments.models import PackagePrice, PriceList, Region
from payments.revisions import NotReady


@pytest.fixture
def eurozone(db, ireland):
    return ireland


@pytest.fixture
def live(eurozone):
    return pricing.live_list(eurozone)


@pytest.fixture
def draft(live):
    return draft_of(live)


def a_list(currency, *packages):
    region = Region.objects.create(slug=f"test-{currency.lower()}", name=f"Test {currency}", currency=currency)
    prices = PriceList.objects.create(region=region, version=1)
    for coins, price in packages:
        PackagePrice.objects.create(price_list=prices, coins=coins, price_minor=price)
    return prices


# Going live ----------------------------------------------------------------------------------------------------------


def test_a_draft_that_goes_live_replaces_the_list_before_it(eurozone, live, draft):
    draft.packages.filter(coins=700).update(price_minor=900)
    publish(draft)
    live.refresh_from_db()

    assert pricing.live_list(eurozone) == draft
    assert pricing.offer_amount(eurozone, "IE", 700).price_minor == 900
    assert live.state == "retired"
    assert live.retired_at is not None


def test_the_apps_list_is_live_beside_the_shops(db):
    states = PriceList.objects.filter(region__slug="united-states", state="live").values_list("channel", flat=True)

    assert sorted(states) == ["app", "web"]


def test_first_prices_go_live_once(db):
    prices = a_list("EUR", (100, 200))
    for _ in range(2):
        with contextlib.suppress(DatabaseError), transaction.atomic():
            revisions.put_first_live(prices)

    assert prices.state == "live"
    assert PriceList.objects.filter(region=prices.region).count() == 1


def test_a_region_that_sells_gets_other_prices_by_a_revision_only(live, draft):
    stray = PriceList.objects.create(region=live.region, version=9)
    PackagePrice.objects.create(price_list=stray, coins=700, price_minor=829)
    with pytest.raises(DatabaseError, match="only the first prices"), transaction.atomic():
        revisions.put_first_live(stray)

    assert pricing.live_list(live.region) == live


# What may not go live ------------------------------------------------------------------------------------------------


def complaints(prices):
    with pytest.raises(NotReady) as refusal:
        revisions.put_first_live(prices)
    prices.refresh_from_db()
    assert prices.state == "draft"
    return " ".join(refusal.value.args[0])


def test_an_empty_list_does_not_go_live(db):
    assert "no packages" in complaints(a_list("EUR"))


def test_a_fraction_that_cannot_be_charged_does_not_go_live(db, monkeypatch):
    monkeypatch.setitem(money.LEAST_CHARGE, "KWD", 200)
    told = complaints(a_list("KWD", (100, 1234), (200, 2460)))

    assert "100 coins: KWD has no such fraction" in told
    assert "200 coins" not in told


def test_a_price_above_what_can_be_charged_at_once_does_not_go_live(db):
    assert "300 coins: the price is more" in complaints(a_list("EUR", (300, money.MOST_CHARGE + 1)))


def test_a_currency_whose_least_charge_is_not_known_does_not_go_live(db):
    assert "DJF" in complaints(a_list("DJF", (100, 1230)))


def test_a_price_below_what_can_be_charged_may_go_live_and_is_not_shown(db):
    prices = a_list("EUR", (10, 20), (100, 200))
    revisions.put_first_live(prices)

    assert [package.coins for package in pricing.packages_on_sale(prices)] == [100]


# Frozen --------------------------------------------------------------------------------------------------------------


def test_a_draft_can_be_edited(draft):
    draft.packages.filter(coins=70).delete()
    draft.packages.filter(coins=350).update(price_minor=500)
    PackagePrice.objects.create(price_list=draft, coins=99, price_minor=150)
    PriceList.objects.filter(pk=draft.pk).update(custom_max_coins=100)

    assert [(p.coins, p.price_minor) for p in draft.packages.all()][:2] == [(99, 150), (350, 500)]


CHANGES = {
    "a price": lambda prices: prices.packages.filter(coins=70).update(price_minor=1),
    "a bonus": lambda prices: prices.packages.filter(coins=70).update(bonus=1_000),
    "a package is taken away": lambda prices: prices.packages.filter(coins=70).delete(),
    "a package is added": lambda prices: PackagePrice.objects.create(price_list=prices, coins=5, price_minor=1),
    "a package is moved in": lambda prices: move_in(prices),
    "a package is moved out": lambda prices: prices.packages.filter(coins=70).update(price_list=draft_of(prices)),
    "the rule of amounts": lambda prices: PriceList.objects.filter(pk=prices.pk).update(custom_price_minor=1),
    "the limit of amounts": lambda prices: PriceList.objects.filter(pk=prices.pk).update(custom_max_coins=10**6),
    "its region": lambda prices: PriceList.objects.filter(pk=prices.pk).update(region=Region.objects.last()),
    "back to a draft": lambda prices: PriceList.objects.filter(pk=prices.pk).update(state="draft"),
    "the list is deleted": lambda prices: PriceList.objects.filter(pk=prices.pk)._raw_delete("default"),
}


def move_in(prices):
    other = PriceList.objects.create(region=prices.region, channel="app", version=9)
    PackagePrice.objects.create(price_list=other, coins=5, price_minor=1)
    other.packages.update(price_list=prices)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("state", ["live", "retired"])
def test_the_database_refuses_to_change_a_list_that_was_live(live, draft, change, state):
    if state == "retired":
        publish(draft)
        live.refresh_from_db()
    before = [*live.packages.values_list("coins", "bonus", "price_minor")]
    with pytest.raises(DatabaseError, match="price list|protected"), transaction.atomic():
        change(live)

    assert [*live.packages.values_list("coins", "bonus", "price_minor")] == before
    assert PriceList.objects.get(pk=live.pk).state == state


def test_a_retired_list_does_not_come_back(live, draft):
    publish(draft)

    with pytest.raises(DatabaseError, match="make a new draft"), transaction.atomic():
        PriceList.objects.filter(pk=live.pk).update(state="live")


# Copies and first facts ----------------------------------------------------------------------------------------------


def test_a_new_draft_is_a_copy_with_the_next_version(live):
    first, second = draft_of(live), draft_of(live)

    assert [live.version, first.version, second.version] == [1, 2, 3]
    assert first.state == "draft"
    assert first.created_by.handle == "ines"
    assert first.prices() == second.prices() == live.prices()


def test_loading_the_first_prices_again_changes_nothing(live, draft):
    draft.packages.filter(coins=700).update(price_minor=900)
    publish(draft)
    before = [*PackagePrice.objects.order_by("pk").values()], [*PriceList.objects.order_by("pk").values()]
    call_command("load_facts")

    assert ([*PackagePrice.objects.order_by("pk").values()], [*PriceList.objects.order_by("pk").values()]) == before


def test_the_shop_begins_with_every_price_of_its_file(db):
    with PACKAGES.open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert PackagePrice.objects.filter(price_list__state="live").count() == len(rows)
    assert Region.objects.count() == len({row["region"] for row in rows}) == 32
    assert {*PriceList.objects.filter(channel="app").values_list("region__countries__code", flat=True)} == {
        "US",
        "GB",
        "VN",
        "ID",
    }


@pytest.mark.parametrize("rule", [(100, None, None), (100, 200, None), (None, 200, 300), (0, 200, 300)])
def test_a_custom_rule_is_whole_or_absent(eurozone, rule):
    with pytest.raises(IntegrityError, match="a_custom_rule_is_whole"):
        PriceList.objects.create(
            region=eurozone, version=7, custom_coins=rule[0], custom_price_minor=rule[1], custom_max_coins=rule[2]
        )
