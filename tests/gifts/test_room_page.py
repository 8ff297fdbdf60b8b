"""A creator's room: looking in, sending with the tray, and what lands on the screen."""

import re
import uuid
from html import unescape

import pytest
from conftest import give_coins, hidden_fields

from gifts import sending
from gifts.models import Gift, SentGift
from wallet import ledger

FULL_WIDTH_SEVEN = "７"


def words(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def alerts(answer):
    """What the page says is wrong."""
    found = re.findall(r'role="alert">.*?<span>(.*?)</span></p>', answer.content.decode(), re.S)
    return [unescape(said) for said in found]


def tap(client, handle="bob", **asked):
    """Send a rose from the tray; what is asked for instead, and a key of its own unless one is given."""
    form = {"gift": "rose", "quantity": "1", "key": str(uuid.uuid4())} | asked
    return client.post(f"/@{handle}/gifts/", form)


@pytest.fixture
def fan(client, rich_alice, bob):
    """Alice with 1,000 coins, signed in, in front of Bob's room."""
    client.force_login(rich_alice)
    return client


# Looking in ----------------------------------------------------------------------------------------------------------


def test_visitors_see_the_room_and_a_way_to_sign_in(client, bob):
    answer = client.get("/@bob/")

    assert answer.status_code == 200
    assert "Bob’s Band" in words(answer)
    assert "No gifts yet" in words(answer)
    assert 'href="/accounts/login/?next=/%40bob/"' in answer.content.decode().replace("/@bob", "/%40bob")
    assert "You have" not in words(answer)


def test_the_signed_in_see_what_they_have_and_a_tray_of_all_gifts(fan):
    answer = fan.get("/@bob/")

    assert "You have 1,000" in words(answer)
    assert answer.content.count(b'type="radio" name="gift"') == 16
    assert uuid.UUID(hidden_fields(answer.content)["key"])


def test_gifts_that_are_too_dear_are_marked(fan):
    assert words(fan.get("/@bob/")).count("coins, more than you have") == 2, "the car and the lion"


def test_each_tray_has_a_key_of_its_own(fan):
    assert hidden_fields(fan.get("/@bob/").content)["key"] != hidden_fields(fan.get("/@bob/").content)["key"]


def test_creators_see_that_the_page_is_theirs(client, bob):
    client.force_login(bob.person)
    answer = client.get("/@bob/")

    assert "This is your page" in words(answer)
    assert b'name="gift"' not in answer.content


@pytest.mark.parametrize("handle", ["bob", "BOB", "Bob"])
def test_handles_are_found_however_they_are_typed(handle, client, bob):
    assert client.get(f"/@{handle}/").status_code == 200
    assert client.get(f"/@{handle}/feed/").status_code == 200


@pytest.mark.parametrize("path", ["/@nobody/", "/@nobody/feed/", "/@alice/", "/@/"])
def test_who_is_no_creator_has_no_room(path, client, alice):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("sent", ["", "x", "-1", "٣", "9" * 40, "1"])
def test_a_gift_that_was_not_sent_is_not_shown_as_sent(sent, fan):
    answer = fan.get("/@bob/", {"sent": sent})

    assert answer.status_code == 200
    assert "Sent." not in words(answer)


# Sending -------------------------------------------------------------------------------------------------------------


def test_a_gift_is_sent_and_lands_in_the_room(fan, rich_alice, bob):
    form = hidden_fields(fan.get("/@bob/").content) | {"gift": "guitar", "quantity": "10"}
    answer = fan.post("/@bob/gifts/", form)
    sent = SentGift.objects.get()

    assert (answer.status_code, answer.url) == (303, f"/@bob/?sent={sent.pk}")
    assert "Sent. 10 × Guitar" in words(fan.get(answer.url))
    assert "@alice Guitar ×10" in words(fan.get("/@bob/feed/"))
    assert ledger.balances(rich_alice.pk).coins == 10
    assert ledger.balances(bob.pk).diamonds == 495


def test_a_form_posted_twice_is_one_gift_and_one_answer(fan, rich_alice):
    key = str(uuid.uuid4())
    first, second = tap(fan, key=key), tap(fan, key=key)

    assert (first.status_code, first.url) == (second.status_code, second.url)
    assert ledger.balances(rich_alice.pk).coins == 999
    assert words(fan.get("/@bob/feed/")).count("@alice") == 1


def test_nobody_else_is_told_that_they_sent_it(fan, client, people):
    answer = tap(fan)
    client.force_login(people("erin"))

    assert "Sent." not in words(client.get(answer.url))


def test_a_handle_in_capitals_is_sent_to_as_well(fan, bob):
    assert tap(fan, handle="BOB").status_code == 303
    assert SentGift.objects.get().creator == bob


def refused(answer, alice, *, status, saying):
    assert answer.status_code == status
    assert any(saying in said for said in alerts(answer)), alerts(answer)
    assert SentGift.objects.count() == 0
    assert ledger.balances(alice.pk).coins == 1000


@pytest.mark.parametrize(
    "quantity",
    [FULL_WIDTH_SEVEN, "-1", "+1", "1.0", "1e3", " ", "", "ten", "²", "٣", "1,000", "9" * 7, "9" * 500, "0x1"],
)
def test_a_quantity_that_is_no_number_of_ours_is_told_so(quantity, fan, rich_alice):
    answer = tap(fan, quantity=quantity)

    assert answer.status_code == 422
    assert alerts(answer)
    assert SentGift.objects.count() == 0
    assert ledger.balances(rich_alice.pk).coins == 1000


@pytest.mark.parametrize("quantity", ["0", "10000", "999999"])
def test_a_quantity_out_of_bounds_is_told_the_bounds(quantity, fan, rich_alice):
    refused(tap(fan, quantity=quantity), rich_alice, status=403, saying="Send between 1 and 9,999 at once.")


@pytest.mark.parametrize(("gift", "saying"), [("", "Choose a gift first."), ("unicorn", "no longer in the catalogue")])
def test_a_gift_that_is_missing_or_unknown_is_told_so(gift, saying, fan, rich_alice):
    refused(tap(fan, gift=gift), rich_alice, status=422, saying=saying)


def test_a_gift_that_was_taken_off_sale_meanwhile_is_told_so(fan, rich_alice):
    Gift.objects.filter(slug="rose").update(is_on_sale=False)

    refused(tap(fan), rich_alice, status=422, saying="no longer in the catalogue")


@pytest.mark.parametrize("key", ["", "1", "not-a-key", "9" * 300])
def test_a_malformed_key_is_told_to_open_the_page_again(key, fan, rich_alice):
    refused(tap(fan, key=key), rich_alice, status=422, saying="Please open the page again.")


def test_what_cannot_be_text_is_refused_politely(fan, rich_alice):
    for field in ["gift", "quantity", "key"]:
        assert tap(fan, **{field: "\x00"}).status_code == 422
    assert ledger.balances(rich_alice.pk).coins == 1000


def test_the_young_are_told_why_not(client, carol, bob):
    give_coins(carol, 1000)
    client.force_login(carol)

    refused(tap(client), carol, status=403, saying="people of 18 and older")


def test_a_key_that_sent_another_gift_is_told_so(fan, rich_alice):
    key = str(uuid.uuid4())
    tap(fan, key=key)
    answer = tap(fan, key=key, gift="guitar")

    assert answer.status_code == 409
    assert "already sent another gift. Nothing more was spent" in words(answer)
    assert ledger.balances(rich_alice.pk).coins == 999
    assert hidden_fields(answer.content)["key"] != key, "the next tap is a gift of its own"


# Too few coins -------------------------------------------------------------------------------------------------------


def test_too_few_coins_says_how_many_are_missing_and_where_to_get_just_those(fan, rich_alice):
    answer = tap(fan, gift="sports-car")

    assert answer.status_code == 409
    assert "6,000 coins short" in words(answer)
    assert "Sports Car costs 7,000. You have 1,000." in words(answer)
    assert 'href="/?coins=6000"' in answer.content.decode()
    assert ledger.balances(rich_alice.pk).coins == 1000


def test_the_tray_keeps_what_was_chosen_so_that_it_can_be_sent_after_topping_up(fan, rich_alice):
    key = str(uuid.uuid4())
    answer = tap(fan, gift="guitar", quantity="99", key=key)
    page = answer.content.decode()

    assert re.search(r'value="guitar" checked', page)
    assert re.search(r'name="quantity" value="99" checked', page)
    give_coins(rich_alice, 8801)
    assert (
        fan.post("/@bob/gifts/", hidden_fields(answer.content) | {"gift": "guitar", "quantity": "99"}).status_code
        == 303
    )
    assert ledger.balances(rich_alice.pk).coins == 0


# At the door ---------------------------------------------------------------------------------------------------------


def test_visitors_sign_in_before_they_send(client, bob):
    answer = tap(client)

    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/?next=")
    assert SentGift.objects.count() == 0


def test_sending_to_nobody_is_not_found(fan, rich_alice):
    assert tap(fan, handle="nobody").status_code == 404
    assert ledger.balances(rich_alice.pk).coins == 1000


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch"])
def test_a_gift_is_sent_by_post_only(method, fan, rich_alice):
    assert getattr(fan, method)("/@bob/gifts/").status_code == 405
    assert ledger.balances(rich_alice.pk).coins == 1000


def test_another_site_cannot_send_for_me(rich_alice, bob):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(rich_alice)

    assert tap(strict).status_code == 403
    assert ledger.balances(rich_alice.pk).coins == 1000


# The feed ------------------------------------------------------------------------------------------------------------


def test_the_feed_asks_again_by_itself(client, bob):
    page = client.get("/@bob/feed/").content.decode()

    assert 'hx-get="/@bob/feed/"' in page
    assert 'hx-trigger="every 2s"' in page
    assert "<html" not in page


def test_the_feed_shows_the_newest_first_and_only_this_room(client, rich_alice, bob, people):
    from gifts.models import Creator

    dora = Creator.objects.create(person=people("dora"), name="Dora")
    for creator, slug in [(bob, "rose"), (dora, "star"), (bob, "guitar")]:
        sending.send(rich_alice, creator, Gift.objects.get(slug=slug), quantity=1, key=uuid.uuid4())
    said = words(client.get("/@bob/feed/"))

    assert said.index("Guitar") < said.index("Rose")
    assert "Star" not in said


def test_the_room_asks_the_database_a_bounded_number_of_times(client, rich_alice, bob, django_assert_max_num_queries):
    for _ in range(10):
        sending.send(rich_alice, bob, Gift.objects.get(slug="rose"), quantity=1, key=uuid.uuid4())

    with django_assert_max_num_queries(4):
        client.get("/@bob/feed/")


def test_names_in_the_room_are_text_and_never_markup(client, bob):
    bob.name = "<script>alert(1)</script>"
    bob.save()

    assert b"<script>alert" not in client.get("/@bob/").content
