"""Who is really asking: forwarded headers count from the operator's own proxies only."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from coinshop.proxy import TrustedProxyMiddleware


@pytest.fixture
def seen(settings):
    """What the shop sees of a request, behind the proxies that are trusted."""

    def ask(address, *, trusted=("10.0.0.0/8", "fd00::/8"), **headers):
        settings.TRUSTED_PROXIES = list(trusted)
        request = RequestFactory().get("/", REMOTE_ADDR=address, headers=headers)
        TrustedProxyMiddleware(lambda request: HttpResponse())(request)
        return request.META

    return ask


def test_a_trusted_proxys_client_is_who_asks(seen):
    meta = seen("10.0.0.1", **{"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "CF-IPCountry": "JP"})

    assert meta["REMOTE_ADDR"] == "203.0.113.7"
    assert meta["HTTP_X_FORWARDED_PROTO"] == "https"
    assert meta["HTTP_CF_IPCOUNTRY"] == "JP"


def test_a_stranger_is_who_they_are_and_their_forwarded_headers_are_gone(seen):
    headers = {f"X-Forwarded-{name}": "1.2.3.4" for name in ["For", "Proto", "Host"]} | {"CF-IPCountry": "PK"}
    meta = seen("203.0.113.7", **headers)

    assert meta["REMOTE_ADDR"] == "203.0.113.7"
    assert not [name for name in meta if name.startswith("HTTP_X_FORWARDED") or name == "HTTP_CF_IPCOUNTRY"]


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),  # the first was written by the client
        ("203.0.113.7, 10.0.0.9, 10.0.0.8", "203.0.113.7"),
        ("10.0.0.5, 203.0.113.7, fd00::2", "203.0.113.7"),
        (" , 203.0.113.7 ,", "203.0.113.7"),
        ("10.0.0.9", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_in_the_chain_that_is_not_our_own(seen, chain, client):
    assert seen("10.0.0.1", **{"X-Forwarded-For": chain})["REMOTE_ADDR"] == client


@pytest.mark.parametrize("address", ["", "unknown", "not-an-address", "10.0.0.1:80"])
def test_what_is_no_address_is_not_trusted(seen, address):
    assert "HTTP_X_FORWARDED_FOR" not in seen(address, **{"X-Forwarded-For": "10.0.0.1"})


def test_nobody_is_trusted_when_no_proxy_is_named(seen):
    assert seen("127.0.0.1", trusted=(), **{"X-Forwarded-For": "203.0.113.7"})["REMOTE_ADDR"] == "127.0.0.1"


def test_the_header_of_the_country_may_have_another_name(seen, settings):
    settings.COUNTRY_HEADER = "X-Country"

    assert "HTTP_X_COUNTRY" not in seen("203.0.113.7", **{"X-Country": "PK"})
    assert seen("10.0.0.1", **{"X-Country": "JP"})["HTTP_X_COUNTRY"] == "JP"


def test_a_malformed_network_stops_the_start_and_names_itself(seen):
    with pytest.raises(ValueError, match="10.0.0.0/99"):
        seen("10.0.0.1", trusted=("10.0.0.0/99",))
