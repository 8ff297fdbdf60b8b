"""Where somebody lives, asks from and has their card from may be three countries: they are told, and support sees."""

import pytest
from django.test import Client

from payments import gateway, inbox
from payments.models import PriceList, StripeEvent


@pytest.fixture
def shopper(client, settings, alice):
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    client.force_login(alice)
    return client


def summary(client, country):
    package = PriceList.objects.get(region__slug="eurozone", channel="web", state="live").packages.get(coins=350)
    headers = {"CF-IPCountry": country} if country else {}
    return client.get("/summary/", {"package": package.pk, "amount": ""}, headers=headers).content.decode()


def test_who_asks_from_elsewhere_is_told_whose_price_it_is_and_what_a_bank_may_take(shopper):
    page = summary(shopper, "BR")

    assert "You live in Ireland, and seem to be in Brazil." in page
    assert "your bank may change the money and take a fee" in page
    assert "€4.15" in page
    assert "/me/residence/" in page


@pytest.mark.parametrize("country", ["", "IE", "ie", "XX", "T1", "<b>", "B", "BRA"])
def test_nobody_is_told_so_at_home_or_where_we_cannot_know(shopper, country):
    assert "seem to be in" not in summary(shopper, country)


def test_what_a_stranger_writes_into_the_header_is_not_believed(alice, settings):
    settings.TRUSTED_PROXIES = []
    browser = Client(REMOTE_ADDR="198.51.100.7")
    browser.force_login(alice)

    assert "seem to be in" not in summary(browser, "BR")


@pytest.fixture
def told(sandbox):
    def tell(order):
        for event in gateway._client().v1.events.list({"types": ["charge.succeeded"], "limit": 50}).data:
            if event.data.object.metadata["order"] == str(order.pk):
                for _ in range(2):
                    inbox.store(event.to_dict())
                    inbox.work(event.id)
                assert StripeEvent.objects.get(pk=event.id).state == "done"

    return tell


@pytest.mark.parametrize(
    ("card", "countries"),
    [("4000 0007 6000 0002", ["BR"]), ("4000 0027 6000 0016", ["DE"]), ("4242 4242 4242 4242", ["US"])],
)
def test_a_card_from_abroad_is_noted_once_and_its_order_is_delivered_like_any(order, pay, told, card, countries):
    bought = pay(order, card)
    told(bought)

    assert bought.state == "settled"
    assert [entry.detail["country"] for entry in bought.timeline.filter(what="abroad")] == countries


def test_a_card_from_home_is_nothing_to_note(people, order_of, pay, told):
    bought = pay(order_of(people("otto", country="DE")), "4000 0027 6000 0016")
    told(bought)

    assert not bought.timeline.filter(what="abroad").exists()
