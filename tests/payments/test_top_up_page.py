"""The shop window: everything to be seen before anybody signs in."""

import re
import time

import pytest
from conftest import draft_of, publish
from django.core.cache import cache
from django.test import Client

from payments import money, pricing, settlement
from payments.models import PriceList, Region

pytestmark = pytest.mark.django_db


def text_of(page):
    return page.content.decode()


def test_a_visitor_sees_coins_prices_and_the_total_with_tax_without_signing_in(client):
    page = text_of(client.get("/", headers={"Accept-Language": "en-IE"}))

    for price in ["€0.85", "€4.15", "€8.29", "€205.19"]:
        assert price in page
    assert "17,500" in page
    assert "Prices include VAT 23%" in page
    assert "Best value" in page


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_region_has_its_prices_in_either_language(language):
    for region in Region.objects.prefetch_related("countries"):
        visitor = Client(headers={"Accept-Language": language})
        visitor.post("/region/", {"region": region.slug})
        answer = visitor.get("/")
        page = text_of(answer)
        country = region.countries.all()[0].code
        on_sale = pricing.packages_on_sale(pricing.live_list(region))

        assert answer.status_code == 200
        assert len(re.findall('name="package"', page)) == len(on_sale) + 1
        for package in on_sale:
            assert money.display(package.price_minor, region.currency, language=language, country=country) in page


def test_a_reader_of_arabic_reads_from_right_to_left(client):
    page = text_of(client.get("/", headers={"Accept-Language": "ar-SA,ar;q=0.9"}))

    assert '<html lang="ar" dir="rtl">' in page
    assert "ر.س" in page


def test_a_visitor_can_switch_region_and_language(client):
    page = text_of(client.get("/"))

    assert page.count('name="region" value=') == Region.objects.filter(is_open=True).count() == 32
    client.post("/language/setlang/", {"language": "ar", "next": "/"})
    client.post("/region/", {"region": "japan"})
    page = text_of(client.get("/"))
    assert 'dir="rtl"' in page
    assert "122" in page


def test_the_number_of_coins_that_a_gift_misses_is_filled_in(client):
    page = text_of(client.get("/?coins=759"))

    assert 'name="amount" inputmode="numeric" autocomplete="off" data-min="49" data-max="25000" value="759"' in page
    assert 'value="custom" checked' in page


@pytest.mark.parametrize("coins", ["", "-5", "abc", "７", "1e3", '"><script>', "9" * 2000])
def test_nonsense_in_the_address_is_no_harm(client, coins):
    answer = client.get("/", {"coins": coins})

    assert answer.status_code == 200
    assert "><script>" not in text_of(answer)


def test_an_amount_just_beyond_the_window_is_refused_with_words_and_kept_in_the_form(client):
    answer = client.get("/summary/", {"package": "custom", "amount": "999999"})

    assert answer.status_code == 422
    assert "At most 25,000 coins at once" in text_of(answer)
    assert 'value="999999"' in text_of(answer)


def test_who_chose_nothing_is_told_to_choose(client):
    answer = client.get("/summary/")

    assert answer.status_code == 422
    assert "Choose a package" in text_of(answer)


def test_a_window_that_is_warm_asks_who_it_is_and_what_they_have_and_nothing_else(
    client, alice, settings, django_assert_max_num_queries
):
    settings.WINDOW_SECONDS = 5
    cache.clear()
    client.get("/", headers={"Accept-Language": "en-US"})
    with django_assert_max_num_queries(0):
        client.get("/", headers={"Accept-Language": "en-US"})
    client.force_login(alice)
    client.get("/")
    with django_assert_max_num_queries(3):
        client.get("/")
    assert 'value="759"' in text_of(client.get("/?coins=759"))
    assert "no longer on sale" in text_of(client.get("/summary/?package=999999"))
    assert 'value="759"' not in text_of(client.get("/"))
    cache.clear()


def test_a_new_price_is_shown_after_some_seconds_and_charged_at_once(client, alice, settings, sandbox):
    settings.WINDOW_SECONDS = 1
    cache.clear()
    client.force_login(alice)
    assert "€4.15" in text_of(client.get("/"))
    draft = draft_of(PriceList.objects.get(region__slug="eurozone", channel="web", state="live"))
    draft.packages.filter(coins=350).update(price_minor=450)
    publish(draft)
    new = draft.packages.get(coins=350)

    assert "€4.15" in text_of(client.get("/"))
    assert "€4.50" in text_of(client.get("/summary/", {"package": new.pk, "amount": ""}))
    time.sleep(1.1)
    assert "€4.50" in text_of(client.get("/"))
    cache.clear()


def test_the_page_allows_nothing_foreign_and_only_the_checkout_to_be_sent_to(client, settings):
    policy = dict(
        directive.strip().split(" ", 1) for directive in client.get("/").headers["Content-Security-Policy"].split(";")
    )

    assert "unsafe" not in str(policy)
    assert "*" not in str(policy)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["form-action"] == f"'self' {settings.CHECKOUT_ORIGIN}"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


def test_the_page_has_nothing_that_its_policy_would_block(client):
    page = text_of(client.get("/"))

    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"\sstyle=|\son[a-z]+=", page)


def test_a_number_of_coins_has_its_price_while_it_is_typed(client):
    def told(amount):
        return text_of(client.get("/amount/", {"amount": amount}, headers={"Accept-Language": "en-IE"})).strip()

    assert told("700") == "€8.29"  # as the package of that size
    assert told("701") == "€8.31"
    assert told("1") == told("ten") == told("9" * 15) == told("") == "on the next page"


# Help to choose ------------------------------------------------------------------------------------------------------


def test_just_the_coins_that_are_missing_are_offered(client):
    page = text_of(client.get("/?coins=759", headers={"Accept-Language": "en-IE"}))
    price_minor = pricing.custom_price(pricing.live_list(Region.objects.get(slug="eurozone")), 759)

    assert 'value="759"' in page
    assert "759 coins are missing for the gift." in page
    assert "Just that many are chosen below." in page
    assert f'id="total">{money.display(price_minor, "EUR", language="en", country="IE")}<' in page


def test_fewer_coins_than_can_be_paid_for_are_rounded_up_and_it_says_why(client):
    least, _most = pricing.custom_limits(pricing.live_list(Region.objects.get(slug="eurozone")))
    page = text_of(client.get("/?coins=37", headers={"Accept-Language": "en-IE"}))

    assert least > 37
    assert f'value="{least}"' in page
    assert f"buys {least}; the other {least - 37} stay yours." in page


def test_each_package_says_how_many_of_a_liked_gift_it_buys(client):
    page = text_of(client.get("/?like=small", headers={"Accept-Language": "en-IE"}))

    assert "35 × Lollipop" in page
    assert "× Lollipop" not in text_of(client.get("/", headers={"Accept-Language": "en-IE"}))
    assert client.get("/?like=\0").status_code == 200


def test_most_chosen_is_what_most_people_bought_and_nothing_where_few_did(client, alice, order_of, evidence_of):
    eurozone = Region.objects.get(slug="eurozone")
    for coins in [350] * 12 + [700] * 8 + [1400]:
        order = order_of(alice, coins)
        settlement.settle(order.pk, evidence_of(order))
    cache.clear()
    assert pricing.most_chosen(eurozone) is None, "twelve are few"
    for _ in range(8):
        order = order_of(alice, 350)
        settlement.settle(order.pk, evidence_of(order))
    assert pricing.most_chosen(eurozone) is None, "it is looked up every ten minutes"
    cache.clear()
    assert pricing.most_chosen(eurozone) == 350
    assert "Most chosen" in text_of(client.get("/", headers={"Accept-Language": "en-IE"}))
    for _ in range(12):
        order = order_of(alice, 700)
        settlement.settle(order.pk, evidence_of(order))
    cache.clear()

    assert pricing.most_chosen(eurozone) is None, "two as often as each other are neither"


@pytest.fixture(autouse=True)
def nothing_remembered():
    cache.clear()
    yield
    cache.clear()
