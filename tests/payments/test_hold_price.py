"""The price that was shown holds for a quarter of an hour: whatever happens to prices, and for nobody else."""

import pytest
from conftest import draft_of, hidden_fields, publish
from django.core import signing
from django.utils import timezone

from payments import promises
from payments.models import Order, PriceList, Region


@pytest.fixture
def shopper(client, sandbox, alice):
    client.force_login(alice)
    return client


def live():
    return PriceList.objects.get(region__slug="eurozone", channel="web", state="live")


@pytest.fixture
def form(shopper):
    """The summary of 350 coins for 4.15 EUR, as it was shown."""
    return form_of(shopper, str(live().packages.get(coins=350).pk))


def form_of(shopper, package, **more):
    return hidden_fields(shopper.get("/summary/", {"package": package, "amount": ""} | more).content)


def everything_is_dearer():
    draft = draft_of(live())
    for package in draft.packages.all():
        draft.packages.filter(pk=package.pk).update(price_minor=package.price_minor * 2)
    PriceList.objects.filter(pk=draft.pk).update(custom_price_minor=draft.custom_price_minor * 2)
    publish(draft)


def signed(form, **changes):
    """A promise of ours with other facts in it."""
    return signing.dumps(signing.loads(form["held"], salt=promises.SALT) | changes, salt=promises.SALT)


def price_of(shopper, form):
    """What the order costs, or how it was refused."""
    status = shopper.post("/orders/", form).status_code
    order = Order.objects.first()
    return order.price_minor if order else status


@pytest.mark.parametrize("minutes", [0, 14])
def test_what_was_shown_is_what_it_costs_although_prices_rose(shopper, form, minutes):
    form["held"] = signed(form, at=int(timezone.now().timestamp()) - 60 * minutes)
    everything_is_dearer()

    assert price_of(shopper, form) == 415
    order = Order.objects.get()
    assert (order.price_list.state, order.package.price_minor, order.tax_minor) == ("retired", 415, 78)


def test_after_a_quarter_of_an_hour_it_holds_no_more(shopper, form):
    form["held"] = signed(form, at=int(timezone.now().timestamp()) - 15 * 60)
    everything_is_dearer()

    assert price_of(shopper, form) == 422  # that package is not on sale any more


def test_a_number_of_coins_keeps_its_price_too(shopper):
    form = form_of(shopper, "custom", amount="901")
    everything_is_dearer()

    assert price_of(shopper, form) == 1068


@pytest.mark.parametrize(
    "tamper",
    [
        lambda form: form | {"held": form["held"][:-1] + ("A" if form["held"][-1] != "A" else "B")},
        lambda form: form | {"held": ""},
        lambda form: form | {"held": "\0"},
        lambda form: form | {"held": signing.dumps({"to": 1}, salt="another")},
        lambda form: form | {"package": "custom", "amount": "350"},  # another choice
        lambda form: form | {"package": "custom", "amount": "17500"},
        lambda form: form | {"held": signed(form, to=0)},
        lambda form: form | {"held": signed(form, country="JP")},
        lambda form: form | {"seen_minor": "1"},
        lambda form: form | {"seen_coins": "351"},
    ],
    ids=["letter", "none", "nul", "salt", "size", "more", "person", "country", "price", "coins"],
)
def test_a_promise_that_is_not_ours_or_for_something_else_holds_nothing(shopper, form, tamper):
    everything_is_dearer()
    refused = price_of(shopper, tamper(form))

    assert refused in (409, 422)
    assert not Order.objects.exists()


def test_a_promise_to_one_is_none_to_another(shopper, form, people):
    shopper.force_login(people("dora"))
    everything_is_dearer()

    assert price_of(shopper, form) == 422


def test_who_moves_meanwhile_pays_what_coins_cost_there(shopper, form, alice):
    alice.country = "JP"
    alice.save()

    assert price_of(shopper, form) == 422
    assert not Order.objects.exists()


def test_a_region_that_was_closed_meanwhile_sells_nothing(shopper, form):
    Region.objects.filter(slug="eurozone").update(is_open=False)
    page = shopper.post("/orders/", form).content.decode()

    assert "Not sold here yet" in page
    assert not Order.objects.exists()


def test_a_visitor_is_promised_nothing(client, db):
    page = client.get("/summary/", {"package": str(live().packages.get(coins=350).pk)}).content.decode()

    assert 'name="held"' not in page
