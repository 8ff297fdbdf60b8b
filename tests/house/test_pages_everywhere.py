"""Every address of the site answers everybody in both languages, and what goes wrong is said in our own words."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.views import defaults

OURS = "coinshop</a></div></header>"  # the head of the page in which nothing may be relied on
NEEDS_SOMETHING = ["admin/", "metrics"]  # the console has tests of its own


def addresses(patterns=None, prefix=""):
    """Every address that names no object."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = prefix + str(pattern.pattern).lstrip("^").rstrip("$").replace("\\Z", "")
        if "<" in here or any(here.startswith(start) for start in NEEDS_SOMETHING):
            continue
        found += [f"/{here}"] if isinstance(pattern, URLPattern) else addresses(pattern.url_patterns, here)
    return found


ADDRESSES = sorted({*addresses()})


def test_the_table_of_contents_was_found():
    assert {"/", "/summary/", "/orders/", "/gifts/", "/wallet/", "/me/", "/accounts/login/", "/healthz"} <= {*ADDRESSES}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("who", ["visitor", "fan", "staff"])
def test_every_address_answers(people, who, language):
    browser = Client(headers={"Accept-Language": language})
    if who != "visitor":
        browser.force_login(people(who, is_staff=who == "staff", is_superuser=who == "staff"))
    for address in ADDRESSES:
        answer = browser.get(address)

        assert answer.status_code < 500 or address == "/readyz", address  # nobody sweeps in the tests
        if answer.status_code == 200 and "html" in answer.headers["Content-Type"]:
            page = answer.content.decode()
            assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in page, address
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
        if address.startswith("/accounts/logout"):
            continue


@pytest.mark.parametrize(
    "address", ["/@nobody\x00/", "/mailbox/\x00/", "/@%F0%9F%98%80/", "/wallet/?before=" + "9" * 30, "/?coins=%00"]
)
def test_a_strange_address_is_no_accident_of_ours(people, address):
    browser = Client()
    browser.force_login(people("fan"))

    assert browser.get(address).status_code < 500


# What goes wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "dir"), [("en", "ltr"), ("ar", "rtl")])
def test_an_address_where_nothing_lives_says_so_in_our_design(client, db, language, dir):
    answer = client.get("/nowhere/", headers={"Accept-Language": language})
    page = answer.content.decode()

    assert answer.status_code == 404
    assert f'dir="{dir}"' in page
    assert 'class="site-header"' in page
    assert language == "ar" or "Nothing lives at this address" in page


def test_a_request_that_cannot_be_read_says_so_in_our_design(client):
    answer = client.get("/", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert "We could not read that" in answer.content.decode()
    assert OURS in answer.content.decode()


def test_a_page_that_is_somebody_elses_says_so_in_our_design(client, alice):
    client.force_login(alice)
    answer = client.get("/admin/login/")

    assert answer.status_code == 403
    assert "This page is not yours to open" in answer.content.decode()
    assert 'class="site-header"' in answer.content.decode()


def test_a_form_that_had_grown_old_says_so_in_our_design(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    answer = browser.post("/orders/", {"package": "custom", "amount": "100"})

    assert answer.status_code == 403
    assert "That form had grown old" in answer.content.decode()
    assert OURS in answer.content.decode()


def test_an_accident_of_ours_says_so_in_our_design_without_a_database():
    browser = Client(raise_request_exception=False)
    answer = browser.get("/")  # no database was asked for, so it is refused, as if it were away

    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert OURS in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


def test_no_error_page_needs_more_than_django_gives_it(rf):
    pages = [
        defaults.bad_request(rf.get("/"), Exception()),
        defaults.server_error(rf.get("/")),
    ]

    for page in pages:
        assert OURS in page.content.decode()


def test_a_method_that_an_address_does_not_know_is_refused(client, db):
    for address in ["/region/", "/webhooks/stripe/"]:
        assert client.get(address).status_code == 405
    assert client.post("/").status_code == 405
    assert settings.DEBUG is False
