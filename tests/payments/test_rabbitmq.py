"""RabbitMQ as the broker, chosen by its address alone: quorum queues that keep what was published through a kill -9."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import kombu
import pytest
from amqp.exceptions import PreconditionFailed
from conftest import ROOT

from wallet import ledger

SERVER = next(
    # Debian's own command becomes another user, who may not write into a test's folder.
    (path for name in ["/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"] if (path := shutil.which(name))),
    None,
)

pytestmark = pytest.mark.skipif(not SERVER, reason="there is no rabbitmq-server here")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(is_so, limit_s=60.0):
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


class Rabbit:
    """A RabbitMQ with its files in a folder of the test's, and its whole tree of processes in a group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        (folder / "plugins").write_text("[].\n")
        self.environment = os.environ | {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(free_port()),
            "RABBITMQ_NODENAME": "coinshop@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [SERVER],
            env=self.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None, "RabbitMQ did not start"
        try:
            with kombu.Connection(self.url, connect_timeout=2) as connection:
                connection.connect()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory):
    broker = Rabbit(tmp_path_factory.mktemp("rabbitmq"))
    yield broker
    broker.kill()


def ours(rabbit, *argv, **more):
    """A process of the shop's that was told of this broker and nothing else about it."""
    return subprocess.Popen([sys.executable, *argv], cwd=ROOT, env=os.environ | {"BROKER_URL": rabbit.url}, **more)


@pytest.fixture
def publish(rabbit):
    """Have tasks published by another process of the shop; it ends once the broker has confirmed them."""

    def send(events):
        words = "import django; django.setup(); from payments.tasks import work_event as t; import sys"
        sending = ours(rabbit, "-c", f"{words}; [t.delay(event) for event in sys.argv[1:]]", *events)
        assert sending.wait(30) == 0

    return send


@pytest.fixture
def start_worker(rabbit):
    started = []

    def start():
        process = ours(
            rabbit,
            *["-m", "celery", "-A", "coinshop", "--quiet", "worker", "-c", "1", "--loglevel=INFO", "--without-gossip"],
            *["--without-mingle", "--", "worker_soft_shutdown_timeout=0.1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        for line in process.stdout:
            if "ready." in line:
                return process
        raise AssertionError("the worker did not start")

    yield start
    for process in started:
        process.send_signal(signal.SIGQUIT)
        process.communicate(timeout=20)


@pytest.fixture
def stored(monkeypatch, people, order_of, event_about, deliver):
    """Orders that were paid, whose events no worker has been told of."""
    monkeypatch.setattr("payments.views.webhook.nudge", lambda *_: None)

    def make(count):
        orders = [order_of(people(f"fan{number}")) for number in range(count)]
        events = [event_about(order) for order in orders]
        for event in events:
            assert deliver(event).status_code == 200
        return orders, [event["id"] for event in events]

    return make


def have_their_coins(orders):
    return all(ledger.balances(order.recipient_id).coins == order.coins for order in orders)


def test_a_worker_hears_of_an_event_over_rabbitmq(committed, start_worker, publish, stored):
    orders, events = stored(1)
    start_worker()
    publish(events)

    until(lambda: have_their_coins(orders), limit_s=20)


def test_what_a_killed_broker_had_it_still_has(committed, rabbit, start_worker, publish, stored):
    orders, events = stored(12)
    publish(events)
    rabbit.kill()
    rabbit.start()
    assert not have_their_coins(orders)
    start_worker()

    until(lambda: have_their_coins(orders), limit_s=40)


@pytest.mark.parametrize(
    ("what", "other", "refused"),
    [
        ("queue_declare", {"arguments": {"x-queue-type": "classic"}}, "received 'classic' but current is 'quorum'"),
        ("exchange_declare", {"type": "direct"}, "received 'direct' but current is 'topic'"),
    ],
)
def test_the_queue_is_a_quorum_queue_behind_a_topic_exchange(what, other, refused, rabbit, publish):
    publish(["evt_of_nobody"])
    with kombu.Connection(rabbit.url) as connection, connection.channel() as channel:
        declare = getattr(channel, what)
        with pytest.raises(PreconditionFailed, match=refused):
            declare("coinshop", durable=True, auto_delete=False, **other)


def test_whether_rabbitmq_answers_is_told(rabbit, client, settings, db):
    settings.CELERY_BROKER_URL = rabbit.url
    assert client.get("/readyz").json()["broker"] == "ok"

    settings.CELERY_BROKER_URL = f"amqp://guest:guest@127.0.0.1:{free_port()}//"
    assert client.get("/readyz").json()["broker"] != "ok"
