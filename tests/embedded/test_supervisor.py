"""The supervisor with real services. Slow for a test (seconds), and worth it: everything else stands on this."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from coinshop.embedded import addresses, environment, valkey
from coinshop.embedded.claim import holders

STAND_IN = Path(__file__).with_name("stand_in.py")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp(
        "shop with spaces in a folder of a very long name, longer than any socket may have" * 2
    )


@contextmanager
def running(data):
    given = {**os.environ, "COINSHOP_DATA": str(data), "PYTHONPATH": str(environment.ROOT)}
    shop = subprocess.Popen([sys.executable, STAND_IN], env=given, stdout=subprocess.PIPE, text=True)
    said = []
    for line in shop.stdout:
        said.append(line)
        if line == "ready\n":
            break
    else:
        pytest.fail("".join(said))
    try:
        yield shop
    finally:
        shop.kill()
        shop.wait()
        shop.stdout.close()
        soon(lambda: not left_running(data))


def soon(claim, limit_s=60):
    deadline = time.monotonic() + limit_s
    while not claim():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.05)


def left_running(data):
    return list(holders(data))


def pid_of(data, name):
    lines = (data / "pids").read_text().splitlines()
    return int(dict(line.split() for line in lines)[name])


def connect(data):
    return psycopg2.connect(environment.read(data / "env")["DATABASE_URL"].replace("coinshop_site", "coinshop_owner"))


def test_what_dies_is_started_again(data):
    with running(data):
        before = {name: pid_of(data, name) for name in ["postgres", "valkey", "web", "sweep"]}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)

        for name, pid in before.items():
            soon(lambda name=name, pid=pid: pid_of(data, name) != pid)
        soon(lambda: valkey.answers(addresses.sockets_folder(data)))
        soon(lambda: database_answers(data))


def database_answers(data):
    try:
        connect(data).close()
    except psycopg2.OperationalError:
        return False
    return True


def test_sigterm_ends_every_process(data):
    with running(data) as shop:
        assert len(left_running(data)) > 8
        shop.terminate()

        assert shop.wait(10) == 0
        assert left_running(data) == []


def test_kill_9_leaves_nothing_running_and_the_next_start_has_the_data(data):
    with running(data) as shop:
        with connect(data) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.close()
        shop.kill()
        shop.wait()

        with running(data):
            with connect(data) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT answer FROM kept")
                assert cursor.fetchone() == (42,)
            connection.close()

    assert left_running(data) == []
