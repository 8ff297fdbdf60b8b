"""The embedded PostgreSQL: a cluster in the data folder, reached by a socket that only we can open."""

import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from coinshop.embedded.addresses import OWNER, SUPERUSER
from coinshop.embedded.environment import for_children
from coinshop.embedded.identity import Identity
from coinshop.embedded.processes import Program, StartFailedError, start

PROVISION = Path(__file__).with_name("provision.sql")

DURABLE = {"max_connections": "100", "shared_buffers": "64MB", "max_wal_size": "512MB"}
THROW_AWAY = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
}


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL: who it runs as, where it listens, where it logs."""

    identity: Identity
    sockets: Path
    log: Path

    @property
    def files(self) -> Path:
        """Return the folder that holds the cluster."""
        return self.identity.home / "postgres"

    def create(self, held_fd: int) -> None:
        """Make the cluster under another name first: one that was interrupted half-way is never used."""
        draft = self.files.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.identity.hand_over(draft)
        initdb = start(self._initdb(draft), held_fd=held_fd, output=subprocess.PIPE)
        said, _ = initdb.communicate()
        if initdb.returncode:
            raise StartFailedError(f"initdb failed\n{said.decode()}")
        draft.rename(self.files)

    def program(self, settings: dict[str, str]) -> Program:
        """Return the server as a program to start."""
        self.identity.hand_over(self.sockets)
        return Program(
            name="postgres",
            argv=[
                self.identity.programs / "postgres",
                "-D",
                self.files,
                f"--unix_socket_directories={self.sockets}",
                "--listen_addresses=",
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            environment=for_children({}),
            folder=Path("/"),
            ready=self.answers,
            stop_signal=signal.SIGINT,  # to PostgreSQL: end the sessions, then stop
            orphan_signal=signal.SIGINT,
            grace_s=10,
            log=self.log,
            enter=self.identity.enter,
        )

    def _initdb(self, folder: Path) -> Program:
        return Program(
            name="initdb",
            argv=[
                self.identity.programs / "initdb",
                f"--pgdata={folder}",
                f"--username={SUPERUSER}",
                "--auth=trust",  # right here: the folder of the socket lets in nobody but us
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            environment=for_children({}),
            folder=Path("/"),
            enter=self.identity.enter,
        )

    def answers(self) -> bool:
        """Tell whether connections are accepted."""
        program = self.identity.programs / "pg_isready"
        return subprocess.run([program, "--quiet", f"--host={self.sockets}"], check=False).returncode == 0

    def provision(self, database: str) -> None:
        """Make the database when there is none, and give it its roles and rights."""
        if not self.ask(f"SELECT 1 FROM pg_database WHERE datname = '{database}'"):
            self.ask(f'CREATE DATABASE "{database}"')
        self._psql(database, f"--file={PROVISION}")

    def clone(self, template: str, database: str) -> None:
        """Make a database from another one that nobody is connected to; an older one of the name is dropped."""
        self.drop(database)
        self.ask(f'CREATE DATABASE "{database}" TEMPLATE "{template}" OWNER {OWNER}')
        self._psql(database, f"--file={PROVISION}")  # rights on a database are not copied with it

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.ask(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def ask(self, statement: str) -> list[str]:
        """Run one statement as the superuser and return its rows as text."""
        return self._psql(SUPERUSER, f"--command={statement}").split()

    def _psql(self, database: str, what: str) -> str:
        done = subprocess.run(
            [
                self.identity.programs / "psql",
                f"--host={self.sockets}",
                f"--username={SUPERUSER}",
                f"--dbname={database}",
                "--no-psqlrc",
                "--quiet",
                "--no-align",
                "--tuples-only",
                "--set=ON_ERROR_STOP=1",
                what,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StartFailedError(f"psql failed\n{done.stderr}")
        return done.stdout
