import os
import stat
from pathlib import Path

import dj_database_url
import dj_email_url
import pytest
from kombu import Connection
from psycopg2.extensions import parse_dsn
from redis import Redis

from coinshop.embedded import addresses, environment, ports, shop

SOCKETS = Path("/tmp/coinshop-0123456789")
SECRETS = {"SECRET_KEY": "s", "STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}


@pytest.fixture
def listeners():
    with ports.hold(18100) as web, ports.hold(18100) as sandbox:
        yield {"web": web, "sandbox": sandbox}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COINSHOP_DATA", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL")
    return tmp_path


def described(given, listeners, data=Path("/srv/my shop/.coinshop")):
    if not shop.embeds_sandbox(given):
        listeners = {**listeners, "sandbox": None}
    return shop.describe(given, data=data, sockets=SOCKETS, secrets=SECRETS, **listeners)


def test_django_and_libpq_read_the_same_address():
    url = addresses.database_url("coinshop_site", SOCKETS)
    django, libpq = dj_database_url.parse(url), parse_dsn(url)

    assert (django["HOST"], django["USER"], django["NAME"]) == (str(SOCKETS), "coinshop_site", "coinshop")
    assert (libpq["host"], libpq["user"], libpq["dbname"]) == (str(SOCKETS), "coinshop_site", "coinshop")


def test_redis_and_celery_find_the_same_socket_and_number():
    sockets = addresses.sockets_folder(environment.data_folder())
    redis = Redis.from_url(addresses.redis_url(sockets, 3))
    with Connection(addresses.kombu_url(sockets, 3)) as broker:
        broker.SimpleQueue("letters").put("hello")

    assert redis.llen("letters") == 1
    assert redis.flushdb()


def test_mail_lands_in_the_data_folder(listeners):
    mail = dj_email_url.parse(described({}, listeners)["EMAIL_URL"])

    assert mail["EMAIL_FILE_PATH"] == "/srv/my shop/.coinshop/mail"
    assert mail["EMAIL_BACKEND"].endswith("filebased.EmailBackend")


def test_nothing_given_means_everything_is_embedded(listeners):
    told = described({}, listeners)

    assert told["COINSHOP_EMBEDDED"] == "1"
    assert str(SOCKETS) in told["REDIS_URL"]
    assert told["DATABASE_OWNER_URL"] != told["DATABASE_URL"]
    assert told["STRIPE_API_BASE"] == f"http://127.0.0.1:{ports.number(listeners['sandbox'])}"


def test_a_database_of_ones_own_is_used_for_everything_and_gets_no_demo(listeners):
    told = described({"DATABASE_URL": "postgres://db/mine"}, listeners)

    assert told["DATABASE_OWNER_URL"] == told["DATABASE_URL"] == "postgres://db/mine"
    assert str(SOCKETS) in told["REDIS_URL"]
    assert [errand.name for errand in shop.errands(told, with_demo=False)] == ["migrate"]


def test_a_real_stripe_key_keeps_the_sandbox_away(listeners):
    told = described({"STRIPE_API_KEY": "sk_live_1"}, listeners)

    assert {"STRIPE_API_BASE", "STRIPE_API_KEY"}.isdisjoint(told)


def test_the_owner_runs_the_errands(listeners):
    told = described({}, listeners)
    as_whom = {errand.name: errand.environment["DATABASE_URL"] for errand in shop.errands(told, with_demo=True)}

    assert as_whom == {"migrate": told["DATABASE_OWNER_URL"], "demo": told["DATABASE_OWNER_URL"]}


def test_a_command_by_hand_finds_the_running_shop(folder, monkeypatch):
    environment.write(folder / "env", {"DATABASE_URL": "postgres://x@y/z?a=b", "PORT": "8001"})
    monkeypatch.setenv("PORT", "9000")
    environment.load_if_running()

    assert (os.environ["DATABASE_URL"], os.environ["PORT"]) == ("postgres://x@y/z?a=b", "9000")
    os.environ.pop("DATABASE_URL")


def test_a_command_by_hand_goes_on_without_a_shop(folder):
    environment.load_if_running()

    assert "DATABASE_URL" not in os.environ


def test_only_we_can_read_the_file(folder):
    environment.write(folder / "env", {"A": "1"})

    assert stat.S_IMODE((folder / "env").stat().st_mode) == 0o600


def test_a_taken_port_is_passed_over():
    with ports.hold(18200) as first, ports.hold(ports.number(first)) as second:
        assert ports.number(second) > ports.number(first)
