"""The shop under drill: what `make run` starts, twice the web servers and sweeps, and lines that can be broken.

Everything runs under the shop's own supervisor, in a folder and on ports of its own. What is killed here starts again
as it would in production, by nobody's hand.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2

from coinshop.embedded import addresses, environment, identity, keys, ports, postgres, shop, valkey
from coinshop.embedded.processes import Program, start
from coinshop.embedded.supervisor import Plan, Supervisor

FIRST_PORT = 18100
TWICE = ["web", "sweep"]  # as a shop that must not stop would run them


class Shop:
    """A shop that can be started, broken, asked and stopped, several times over on the same data."""

    def __init__(self, data: Path, held_fd: int) -> None:
        self.data, self.held_fd = data, held_fd
        self.sockets = addresses.sockets_folder(data)
        addresses.make_sockets_folder(self.sockets)
        self.web, self.sandbox, self.postgres_line, self.valkey_line = (ports.hold(FIRST_PORT) for _ in range(4))
        self.told = self._tell()
        self.cluster = postgres.Cluster(identity.choose(data, self.sockets), self.sockets, log=data / "postgres.log")
        self.supervisor: Supervisor | None = None
        self.life: asyncio.Task[int] | None = None

    def _tell(self) -> dict[str, str]:
        told = shop.describe(
            {},
            data=self.data,
            sockets=self.sockets,
            secrets=keys.kept_in(self.data),
            web=self.web,
            sandbox=self.sandbox,
        )
        redis = f"redis://127.0.0.1:{ports.number(self.valkey_line)}"
        told["DATABASE_URL"] = (
            f"postgres://{addresses.SITE}@127.0.0.1:{ports.number(self.postgres_line)}/{addresses.DATABASE}"
        )
        told |= {"REDIS_URL": f"{redis}/0", "BROKER_URL": f"{redis}/1", "CACHE_URL": f"{redis}/2"}
        return told | {"ORDERS_PER_HOUR": "1000000"}  # few people buy for many here

    # Starting and stopping -------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything and wait until the shop is open."""
        if not self.cluster.files.exists():
            self.cluster.create(self.held_fd)
        is_open = asyncio.Event()
        plan = Plan(
            services=[
                self.cluster.program(postgres.DURABLE),
                valkey.program(data=self.data, sockets=self.sockets, durability=valkey.THROW_AWAY),
                self._lines(),
            ],
            provision=lambda: self.cluster.provision(addresses.DATABASE),
            errands=shop.errands(self.told, with_demo=True),
            site=self._site(),
            announce=is_open.set,
        )
        self.supervisor = Supervisor(plan, pids=self.data / "pids", held_fd=self.held_fd)
        self.life = asyncio.create_task(self.supervisor.run())
        opening = asyncio.create_task(is_open.wait())
        await asyncio.wait({opening, self.life}, return_when=asyncio.FIRST_COMPLETED)
        if not is_open.is_set():
            raise RuntimeError(f"the shop did not start; see {self.data}/shop.log")

    async def stop(self) -> None:
        """Stop everything as Ctrl-C does."""
        if self.life:
            self.life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.life
        self.life = self.supervisor = None

    def close(self) -> None:
        for held in (self.web, self.sandbox, self.postgres_line, self.valkey_line):
            held.close()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _lines(self) -> Program:
        held = {"postgres": (self.postgres_line, ".s.PGSQL.5432"), "valkey": (self.valkey_line, "v.sock")}
        words = [f"{name}={line.fileno()}={self.sockets / file}" for name, (line, file) in held.items()]
        return Program(
            name="lines",
            argv=[sys.executable, "-m", "drills.proxy", str(self.sockets / "lines.sock"), *words],
            environment=environment.for_children({}),
            ready=lambda: (self.sockets / "lines.sock").exists(),
            fds=(self.postgres_line.fileno(), self.valkey_line.fileno()),
            log=self.data / "lines.log",
        )

    def _site(self) -> list[Program]:
        site = shop.site(self.told, data=self.data, web=self.web, sandbox=self.sandbox)
        return [*site, *(replace(program, name=f"{program.name}-2") for program in site if program.name in TWICE)]

    async def inside(self, *words: str) -> Any:
        """Have something done inside of the shop, past the lines and as the owner of the tables; its answer."""
        code, said = await self.run(sys.executable, "-m", "drills.inside", *words)
        if code:
            raise RuntimeError(said)
        return json.loads(said.splitlines()[-1])

    async def manage(self, *words: str) -> tuple[int, str]:
        """Run a management command as an operator would; its exit code, and what it said."""
        return await self.run(sys.executable, "manage.py", *words)

    async def run(self, *argv: str) -> tuple[int, str]:
        """Run a program beside the shop, past the lines, while the shop goes on."""
        straight = {
            "DATABASE_URL": self.told["DATABASE_OWNER_URL"],
            "REDIS_URL": addresses.redis_url(self.sockets, 0),
            "BROKER_URL": addresses.kombu_url(self.sockets, 1),
            "CACHE_URL": addresses.redis_url(self.sockets, 2),
        }
        program = Program(name=argv[1], argv=argv, environment=environment.for_children(self.told | straight))
        with tempfile.TemporaryFile() as output:
            process = start(program, held_fd=self.held_fd, output=output.fileno())
            while process.poll() is None:
                await asyncio.sleep(0.05)
            output.seek(0)
            return process.returncode, output.read().decode(errors="replace")

    # Looking in ------------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return shop.url(self.told)[:-1]

    @property
    def port(self) -> int:
        return ports.number(self.web)

    @property
    def sandbox_port(self) -> int:
        return ports.number(self.sandbox)

    def ask(self, sql: str, values: tuple[Any, ...] = (), *, role: str = addresses.SUPERUSER) -> list[tuple[Any, ...]]:
        """Ask the database itself, past the lines. Raises psycopg2.OperationalError while it is away."""
        database = psycopg2.connect(host=str(self.sockets), user=role, dbname=addresses.DATABASE, connect_timeout=5)
        try:
            with database, database.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            database.close()

    def valkey(self, *words: str, number: int = 0) -> bytes:
        """Give Valkey one command past the line, in one of its databases; its answer as it comes."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(self.sockets / "v.sock"))
            for command in (["SELECT", str(number)], words):
                parts = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in command)
                connection.sendall(b"*%d\r\n%s" % (len(command), parts))
                answer = connection.recv(4096)
            return answer

    def line(self, name: str, order: str) -> int:
        """Break or mend a line: see drills/proxy.py."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.sockets / "lines.sock"))
            connection.sendall(f"{name} {order}\n".encode())
            return int(connection.recv(64))

    # Breaking --------------------------------------------------------------------------------------------------------

    def pid(self, name: str) -> int:
        """The process of that name at this moment; between two lives, the one that ended."""
        assert self.supervisor
        return self.supervisor.running[name].process.pid

    def is_up(self, name: str) -> bool:
        assert self.supervisor
        return self.supervisor.running[name].process.poll() is None

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL, *, tree: bool = False) -> bool:
        """Send a signal to a process, or to all that it started too. False when it was not there."""
        if not self.is_up(name):
            return False
        (os.killpg if tree else os.kill)(self.pid(name), how)
        return True

    def children(self, name: str) -> list[int]:
        """The processes that one of ours has started."""
        pid = self.pid(name)
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            return []


@contextlib.contextmanager
def quietly(log: Path) -> Iterator[None]:
    """What the shop's processes say goes to a file: the drills have a line each, and no more."""
    with log.open("a") as file, contextlib.redirect_stdout(file):
        yield
