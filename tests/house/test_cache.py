"""The cache may vanish at any moment; pages do not."""

import socket
import time

import pytest
from django.core.cache import cache

from coinshop.cache import ForgivingRedisCache


def cache_at(port):
    return ForgivingRedisCache(
        f"redis://127.0.0.1:{port}/0", {"OPTIONS": {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}}
    )


@pytest.fixture
def away():
    return cache_at(9)


def test_a_cache_that_is_there_keeps_things():
    cache.set("test:a", 1)
    cache.set_many({"test:b": 2})

    assert cache.get("test:a") == 1
    assert cache.get_many(["test:a", "test:b", "test:c"]) == {"test:a": 1, "test:b": 2}
    assert cache.incr("test:a") == 2
    assert cache.add("test:a", 5) is False
    assert "test:a" in cache
    assert cache.delete("test:a") is True
    assert cache.get("test:a", "nothing") == "nothing"
    cache.delete_many(["test:b"])
    assert "test:b" not in cache


def test_a_cache_that_is_away_looks_empty(away):
    away.set("a", 1)
    away.delete_many(["a"])
    away.clear()

    assert away.get("a") is None
    assert away.get("a", "nothing") == "nothing"
    assert away.get_many(["a"]) == {}
    assert away.set_many({"a": 1}) == []
    assert away.add("a", 1) is True
    assert away.incr("a", 5) == 5
    assert away.delete("a") is False
    assert away.touch("a") is False
    assert "a" not in away
    assert away.get_or_set("a", 7) == 7


def test_the_log_says_that_it_is_away(away, caplog):
    away.get("a")

    assert "the cache is away" in caplog.text


def test_a_cache_that_is_frozen_holds_nobody_up_for_long():
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        began = time.monotonic()

        assert cache_at(frozen.getsockname()[1]).get("a") is None
        assert time.monotonic() - began < 2


def test_a_mistake_of_ours_is_not_forgiven():
    with pytest.raises(ValueError, match="not found"):
        cache.incr("test:never-set")


def test_pages_are_served_without_the_cache(client, alice, settings):
    settings.CACHES = {
        "default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:9/0"},
    }
    client.force_login(alice)

    for page in ["/", "/gifts/", "/wallet/", "/me/", "/accounts/password/change/"]:
        assert client.get(page).status_code == 200
    client.logout()
    typed = {"login": "alice@example.com", "password": "correct horse battery"}
    assert client.post("/accounts/login/", typed).status_code == 302
