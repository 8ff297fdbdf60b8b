"""Moving to another country: seen before it is done, once in a while, and written down."""

from datetime import date, timedelta

import pytest
from conftest import at_once, hidden_fields
from django.utils import timezone

from coinshop.accounts import residences
from coinshop.accounts.models import ResidenceChange


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def text_of(answer):
    return answer.content.decode()


def move(browser, country="JP", reason="moved", **more):
    asked = browser.post("/me/residence/", {"country": country, "reason": reason, "note": ""} | more)
    if asked.status_code != 200 or b"is_confirmed" not in asked.content:
        return asked
    return browser.post("/me/residence/", hidden_fields(asked.content), follow=True)


def test_what_changes_is_shown_first_and_nothing_has_changed_by_looking(browser, alice):
    page = text_of(browser.post("/me/residence/", {"country": "JP", "reason": "moved"}))
    alice.refresh_from_db()

    for told in ["If you live in Japan", "JPY", "Yes, I live in Japan", "¥", "%"]:
        assert told in page
    assert alice.country == "IE"
    assert not ResidenceChange.objects.exists()


def test_after_the_second_answer_they_live_there_and_it_is_written_down(browser, alice):
    page = text_of(move(browser, reason="other", note="My ship lies there."))
    alice.refresh_from_db()
    change = ResidenceChange.objects.get()

    assert alice.country == "JP"
    assert "You live in Japan now" in page
    assert "¥" in page
    assert (change.was, change.became, change.reason, change.note) == ("IE", "JP", "other", "My ship lies there.")


def test_it_is_not_done_again_for_a_while_and_the_day_is_named(browser, alice):
    move(browser)
    answer = move(browser, "US")
    alice.refresh_from_db()
    assert alice.country == "JP"
    assert "You can do so again from" in text_of(answer)
    assert "You can do so again from" in text_of(browser.get("/me/residence/"))

    ResidenceChange.objects.update(at=timezone.now() - timedelta(days=30, seconds=1))
    move(browser, "US")
    alice.refresh_from_db()
    assert alice.country == "US"


def test_of_two_at_once_one_is_done(committed, alice):
    results = at_once(
        *[lambda country=country: residences.move(alice, to=country, reason="moved") for country in ["JP", "US"]]
    )

    assert sorted(type(result).__name__ for result in results) == ["ResidenceChange", "TooSoon"]
    assert ResidenceChange.objects.count() == 1


def test_the_same_form_twice_is_one_move(browser):
    form = hidden_fields(browser.post("/me/residence/", {"country": "JP", "reason": "moved"}).content)
    answers = [browser.post("/me/residence/", form).status_code for _ in range(2)]

    assert answers[0] == 303
    assert ResidenceChange.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"country": "IE"}, "where you live already"),
        ({"country": "XX"}, 'role="alert"'),
        ({"country": ""}, 'role="alert"'),
        ({"reason": "because"}, 'role="alert"'),
        ({"reason": "other"}, "Tell us in a few words"),
        ({"reason": "other", "note": "x" * 201}, 'role="alert"'),
        ({"country": "\0"}, 'role="alert"'),
    ],
    ids=range(7),
)
def test_what_makes_no_sense_is_said_at_its_field(browser, alice, sent, told):
    answer = browser.post(
        "/me/residence/", {"country": "JP", "reason": "moved", "note": "", "is_confirmed": "1"} | sent
    )
    alice.refresh_from_db()

    assert answer.status_code == 422
    assert told in text_of(answer)
    assert alice.country == "IE"


def test_where_nothing_is_sold_and_where_one_is_too_young_is_said_before(client, people):
    young = people("young", birth_date=date(timezone.now().year - 18, 1, 1))
    client.force_login(young)

    assert "19 and older there" in text_of(client.post("/me/residence/", {"country": "KR", "reason": "moved"}))
    assert "We do not sell coins there yet" in text_of(
        client.post("/me/residence/", {"country": "AQ", "reason": "moved"})
    )


def test_me_leads_there_and_a_stranger_signs_in_first(browser, client):
    assert "/me/residence/" in text_of(browser.get("/me/"))
    client.logout()

    assert client.get("/me/residence/").status_code == 302
