"""The processes of a site under load: Valkey, a server of pages, and a worker, each as production runs it."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from socket import socket

from django.conf import settings
from redis import Redis

from benchmarks.cluster import DATA, SOCKETS, START_LIMIT_S
from coinshop.embedded import ports, valkey
from coinshop.embedded.environment import for_children
from coinshop.embedded.processes import Program, StartFailedError, end_group, open_log, start

THREADS = 8  # of a server, as WEB_THREADS is where nothing is said
SITE, EMPTY = "coinshop.asgi:application", "benchmarks.empty_site:application"

# A production site behind a proxy of its own that ends TLS.
BEHIND_A_PROXY = {"COINSHOP_EMBEDDED": "0", "ALLOWED_HOSTS": "127.0.0.1", "TRUSTED_PROXIES": "127.0.0.0/8"}
AS_A_PROXY = "X-Forwarded-Proto: https"

Running = subprocess.Popen[bytes]


@contextlib.contextmanager
def broker(held_fd: int) -> Iterator[Running]:
    """Run a Valkey of our own: broker, cache, and where the clock writes."""
    program = valkey.program(data=DATA, sockets=SOCKETS, durability=valkey.DURABLE)
    with _running(program, held_fd, lambda: valkey.answers(SOCKETS)) as process:
        Redis.from_url(settings.REDIS_URL).flushall()  # what another goal left in the queue
        yield process


@contextlib.contextmanager
def pages(application: str, held_fd: int) -> Iterator[int]:
    """Run a server of pages in one process, and return the port that it answers at."""
    listener = ports.hold(8500)
    program = Program(
        name="web",
        argv=[
            *[sys.executable, "-m", "uvicorn", application, "--fd", str(listener.fileno())],
            *["--no-proxy-headers", "--no-access-log", "--log-level=warning"],
        ],
        environment=for_children(BEHIND_A_PROXY),
        fds=(listener.fileno(),),
        log=DATA / "web.log",
    )
    with listener, _running(program, held_fd, lambda: _answers(listener)):
        yield ports.number(listener)


def collect_static() -> None:
    """Gather the files that pages load, packed and named as production names them."""
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(collect, env=for_children(BEHIND_A_PROXY), check=True)


@contextlib.contextmanager
def worker(held_fd: int) -> Iterator[None]:
    """Run a worker of two children, with the clock."""
    log = DATA / "worker.log"
    log.unlink(missing_ok=True)
    program = Program(
        name="worker",
        argv=[
            *[sys.executable, "-m", "celery", "-A", "benchmarks.clock", "--quiet", "worker", "--loglevel=INFO"],
            *["--concurrency=2", "--without-gossip", "--without-mingle", "--", "worker_soft_shutdown_timeout=0.1"],
        ],
        environment={**for_children({}), "REMAP_SIGTERM": "SIGQUIT"},
        log=log,
    )
    with _running(program, held_fd, lambda: bool(re.search(r"@\S+ ready\.", log.read_text()))):
        yield


@contextlib.contextmanager
def _running(program: Program, held_fd: int, is_ready: Callable[[], bool]) -> Iterator[Running]:
    assert program.log
    log = open_log(program.log)
    process = start(program, held_fd=held_fd, output=log)
    os.close(log)
    try:
        _wait(program, process, is_ready)
        yield process
    finally:
        process.send_signal(program.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        end_group(process)
        process.wait()


def _wait(program: Program, process: Running, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartFailedError(f"{program.name} did not start; see {program.log}")
        time.sleep(0.05)


def _answers(listener: socket) -> bool:
    with socket() as caller:
        caller.settimeout(10)  # the socket listens already, so the question waits for the server
        caller.connect(listener.getsockname())
        caller.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return caller.recv(9).startswith(b"HTTP/1.1")
