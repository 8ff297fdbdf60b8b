"""The catalogue that a shop begins with."""

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import IntegrityError, transaction

from gifts import facts, names
from gifts.models import Gift

PICTURES = Path(__file__).parents[2] / "static" / "img" / "gifts"


def test_a_shop_begins_with_sixteen_gifts(db):
    assert Gift.objects.count() == 16
    assert Gift.objects.filter(is_on_sale=True).count() == 16


def test_gifts_go_from_one_coin_to_a_lion(db):
    prices = {gift.slug: gift.coins for gift in Gift.objects.all()}

    assert (prices["rose"], prices["guitar"], prices["hot-air-balloon"], prices["lion"]) == (1, 99, 1000, 29_999)


def test_every_gift_has_its_picture(db):
    for gift in Gift.objects.all():
        assert (PICTURES / gift.picture).is_file(), gift.picture
        assert finders.find(gift.picture_path)


def test_no_two_gifts_look_the_same(db):
    pictures = [gift.picture for gift in Gift.objects.all()]

    assert len(set(pictures)) == len(pictures)


def test_every_name_can_be_translated(db):
    assert {gift.name for gift in Gift.objects.all()} == set(names.NAMES)


def test_loading_twice_changes_nothing(db):
    before = list(Gift.objects.order_by("pk").values())
    facts.load()

    assert list(Gift.objects.order_by("pk").values()) == before


def test_loading_keeps_what_was_changed_since(db):
    Gift.objects.filter(slug="rose").update(coins=2, is_on_sale=False)
    Gift.objects.filter(slug="lion").delete()
    facts.load()
    rose = Gift.objects.get(slug="rose")

    assert (rose.coins, rose.is_on_sale) == (2, False)
    assert Gift.objects.filter(slug="lion").exists(), "what is missing is added again"


def test_no_gift_is_free(db):
    with pytest.raises(IntegrityError, match="gifts_cost_something"), transaction.atomic():
        Gift.objects.filter(slug="rose").update(coins=0)
