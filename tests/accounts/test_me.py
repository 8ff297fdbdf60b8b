"""My own page: who I am here, and where I live, asked once."""

import re
from datetime import date
from html import unescape

import pytest


def words(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


@pytest.fixture
def stranger(client, people):
    """Somebody of whom we know neither country nor birthday: a superuser from the command line, for instance."""
    gil = people("gil", country="", birth_date=None)
    client.force_login(gil)
    return gil


def test_my_page_says_who_i_am(client, alice):
    client.force_login(alice)
    said = words(client.get("/me/"))

    assert "@alice" in said
    assert "alice@example.com" in said
    assert "Ireland" in said
    assert "not confirmed" in said


def test_where_i_live_is_asked_once(client, stranger):
    assert "Where you live" in words(client.get("/me/"))
    answer = client.post("/me/", {"country": "KR", "birth_date": "1990-05-20"}, follow=True)
    stranger.refresh_from_db()

    assert (stranger.country, stranger.birth_date) == ("KR", date(1990, 5, 20))
    assert "Saved." in words(answer)
    assert "Where you live" not in words(answer)


def test_what_was_said_once_is_not_changed_by_asking_again(client, alice):
    """Otherwise everybody could be as old as they like, in the country with the best prices."""
    client.force_login(alice)
    client.post("/me/", {"country": "KR", "birth_date": "1950-01-01"})
    alice.refresh_from_db()

    assert (alice.country, alice.birth_date) == ("IE", date(1990, 5, 20))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"country": "XX", "birth_date": "1990-05-20"},
        {"country": "IE", "birth_date": "2999-01-01"},
        {"country": "IE", "birth_date": "soon"},
        {"country": "IE"},
        {"birth_date": "1990-05-20"},
    ],
)
def test_what_cannot_be_is_asked_again_and_not_kept(asked, client, stranger):
    answer = client.post("/me/", asked or {"country": ""})
    stranger.refresh_from_db()

    assert answer.status_code == 422
    assert "Where you live" in words(answer)
    assert (stranger.country, stranger.birth_date) == ("", None)


def test_the_console_is_shown_to_those_who_may_open_it(client, alice):
    client.force_login(alice)
    assert 'href="/admin/"' not in client.get("/me/").content.decode()
    alice.is_staff = True
    alice.save()

    assert 'href="/admin/"' in client.get("/me/").content.decode()


def test_my_page_asks_who_is_there(client, db):
    answer = client.get("/me/")

    assert (answer.status_code, answer.url) == (302, "/accounts/login/?next=/me/")


def test_words_of_my_own_are_kept_and_shown_where_i_pay_and_to_nobody_else(client, alice, people):
    client.force_login(alice)
    client.post("/me/phrase/", {"phrase": "the blue <teapot> sings"})

    assert "the blue <teapot> sings" in unescape(client.get("/summary/?package=custom&amount=350").content.decode())
    client.force_login(people("dora"))
    assert "teapot" not in client.get("/summary/?package=custom&amount=350").content.decode()


def test_words_that_are_too_long_are_refused_and_the_old_ones_stay(client, alice):
    client.force_login(alice)
    client.post("/me/phrase/", {"phrase": "short"})

    assert client.post("/me/phrase/", {"phrase": "x" * 61}).status_code == 422
    alice.refresh_from_db()
    assert alice.phrase == "short"


def test_i_can_block_somebody_and_allow_them_again(client, alice, people):
    dora = people("dora")
    client.force_login(alice)
    assert client.post("/me/blocks/", {"handle": "@Dora"}).status_code == 302
    assert client.post("/me/blocks/", {"handle": "dora"}).status_code == 302
    block = alice.blocks.get()
    assert block.blocked == dora
    client.force_login(dora)
    client.post(f"/me/blocks/{block.pk}/delete/")
    assert alice.blocks.exists(), "a block is taken back by its owner alone"

    client.force_login(alice)
    client.post(f"/me/blocks/{block.pk}/delete/")
    assert not alice.blocks.exists()


@pytest.mark.parametrize("handle", ["", "alice", "nobody.here", "a\0b"])
def test_whom_nobody_can_block_is_said(handle, client, alice):
    client.force_login(alice)

    assert client.post("/me/blocks/", {"handle": handle}).status_code == 422
    assert not alice.blocks.exists()


def test_who_has_a_country_and_no_birthday_is_asked_for_the_birthday_alone(client, people):
    """Otherwise a move would be neither slow nor written down."""
    hal = people("hal", birth_date=None)
    client.force_login(hal)
    assert "disabled" in client.get("/me/").content.decode()
    client.post("/me/", {"country": "KR", "birth_date": "1990-05-20"})
    hal.refresh_from_db()

    assert (hal.country, hal.birth_date) == ("IE", date(1990, 5, 20))
