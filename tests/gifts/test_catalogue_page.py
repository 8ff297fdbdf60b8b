"""The catalogue: who may be given to, and what."""

import re
from html import unescape

import pytest

from gifts.models import Gift


def words(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


@pytest.mark.parametrize("who", ["a visitor", "alice"])
def test_everybody_sees_the_gifts_with_their_prices_cheapest_first(who, client, alice, bob):
    if who == "alice":
        client.force_login(alice)
    answer = client.get("/gifts/")
    said = words(answer)

    assert answer.status_code == 200
    assert said.index("Rose 1 coins") < said.index("Guitar 99 coins") < said.index("Lion 29,999 coins")
    assert answer.content.count(b'<li class="gift">') == 16


def test_creators_lead_to_their_rooms(client, bob):
    answer = client.get("/gifts/")

    assert "Bob’s Band" in words(answer)
    assert 'href="/@bob/"' in answer.content.decode()


def test_who_may_not_earn_is_not_shown(client, bob):
    bob.may_earn = False
    bob.save()

    assert "Nobody is here to receive gifts yet." in words(client.get("/gifts/"))


def test_what_is_off_sale_is_not_shown(client, db):
    Gift.objects.filter(slug="lion").update(is_on_sale=False)
    assert "Lion" not in words(client.get("/gifts/"))
    Gift.objects.update(is_on_sale=False)

    assert "The catalogue is empty for now." in words(client.get("/gifts/"))


def test_the_catalogue_is_to_be_read_only(client, db):
    assert client.post("/gifts/").status_code == 405
    assert client.head("/gifts/").status_code == 200
