"""The PostgreSQL that is measured: embedded, in a folder of its own, and as durable as it comes."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from coinshop.embedded import addresses, environment, identity, keys, postgres
from coinshop.embedded.addresses import OWNER, SITE
from coinshop.embedded.claim import claim
from coinshop.embedded.processes import StartFailedError, end_group, open_log, start

HERE = Path(__file__).parent
DATA = environment.ROOT / ".coinshop-bench"
SOCKETS = addresses.sockets_folder(DATA)
DATABASE = "bench"
PEOPLE = "people"  # the template: a migrated site, 100,000 fans with coins, 100,000 creators, and the limits
START_LIMIT_S = 60.0

STOCK: dict[str, str] = {}  # fsync and synchronous_commit are on, and everything else is as PostgreSQL ships it
LARGE = {"shared_buffers": "1GB", "max_wal_size": "4GB"}


@dataclass(frozen=True)
class Server:
    """A running cluster, and what is asked of it."""

    cluster: postgres.Cluster
    settings: dict[str, str]
    held_fd: int

    def fresh(self, database: str = DATABASE) -> None:
        """Make a database of 200,000 people who have not moved a coin yet."""
        if not self.cluster.ask(f"SELECT 1 FROM pg_database WHERE datname = '{PEOPLE}'"):
            self._make_people()
        self.cluster.clone(PEOPLE, database)
        self.run("rights.sql", database=database)

    def ask(self, question: str, *, database: str = DATABASE) -> int:
        """Return the one number that answers a question."""
        with self.connect(OWNER, database) as connection, connection.cursor() as cursor:
            cursor.execute(question)
            (answer,) = cursor.fetchone()
        connection.close()
        return int(answer)

    def connect(self, role: str, database: str = DATABASE) -> "psycopg2.extensions.connection":
        """Open a connection in which each statement commits by itself."""
        connection = psycopg2.connect(addresses.database_url(role, SOCKETS, database))
        connection.autocommit = True
        return connection

    def run(self, file: str, *, database: str = DATABASE, **variables: int) -> None:
        """Run a file of SQL as the owner of the tables."""
        self.program(
            "psql",
            ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={HERE / 'sql' / file}"]
            + [f"--set={name}={value}" for name, value in variables.items()],
            role=OWNER,
            database=database,
        )

    def program(
        self, name: str, options: list[str], *, role: str = SITE, database: str = DATABASE, session: str = ""
    ) -> str:
        """Run one of PostgreSQL's own programs and return what it says."""
        argv = [
            str(self.cluster.identity.programs / name),
            f"--host={SOCKETS}",
            f"--username={role}",
            *options,
            database,
        ]
        options_of_session = environment.for_children({"PGOPTIONS": session})
        done = subprocess.run(argv, env=options_of_session, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StartFailedError(f"{name} failed\n{done.stdout}{done.stderr}")
        return done.stdout

    def _make_people(self) -> None:
        draft = "people_draft"
        self.cluster.drop(draft)
        self.cluster.provision(draft)
        owner = addresses.database_url(OWNER, SOCKETS, draft)
        as_owner = environment.for_children({"DATABASE_URL": owner, "DATABASE_OWNER_URL": owner})
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(migrate, cwd=environment.ROOT, env=as_owner, check=True)
        self.run("../base.sql", database=draft)
        self.run("people.sql", database=draft)
        self.cluster.ask(f'ALTER DATABASE "{draft}" RENAME TO "{PEOPLE}"')


@contextlib.contextmanager
def folder(*, keep: bool) -> Iterator[int]:
    """Hold the benchmarks' own folder; afterwards the cluster in it is removed, or kept to be looked at."""
    with claim(DATA) as held_fd:
        addresses.make_sockets_folder(SOCKETS)
        _set_environment()
        where = identity.choose(DATA, SOCKETS).home / "postgres"
        shutil.rmtree(where, ignore_errors=True)
        try:
            yield held_fd
        finally:
            shutil.rmtree(SOCKETS, ignore_errors=True)
            if not keep:
                shutil.rmtree(where, ignore_errors=True)


@contextlib.contextmanager
def serving(held_fd: int, settings: dict[str, str]) -> Iterator[Server]:
    """Run the cluster with these settings, made first if there is none."""
    cluster = postgres.Cluster(identity.choose(DATA, SOCKETS), SOCKETS, log=DATA / "postgres.log")
    if not cluster.files.exists():
        cluster.create(held_fd)
    program = cluster.program(settings)
    log = open_log(DATA / "postgres.log")
    process = start(program, held_fd=held_fd, output=log)
    os.close(log)
    try:
        _wait_until_it_answers(cluster, process)
        yield Server(cluster, settings, held_fd)
    finally:
        process.send_signal(program.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)  # its last checkpoint has much to write
        end_group(process)
        process.wait()


def _wait_until_it_answers(cluster: postgres.Cluster, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not cluster.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartFailedError(f"postgres did not start; see {cluster.log}")
        time.sleep(0.05)


def _set_environment() -> None:
    """Say what the site's settings read. Nothing that is measured here needs Valkey or Stripe."""
    os.environ.update(
        keys.kept_in(DATA),
        COINSHOP_EMBEDDED="1",
        COINSHOP_DATA=str(DATA),
        DATABASE_URL=addresses.database_url(SITE, SOCKETS, DATABASE),
        DATABASE_OWNER_URL=addresses.database_url(OWNER, SOCKETS, DATABASE),
        REDIS_URL=addresses.redis_url(SOCKETS, 0),
        BROKER_URL=addresses.kombu_url(SOCKETS, 1),
        CACHE_URL=addresses.redis_url(SOCKETS, 2),
        EMAIL_URL=f"file:///{DATA}/mail",
        STRIPE_API_BASE="http://127.0.0.1:9",
        DJANGO_SETTINGS_MODULE="coinshop.settings",
    )
    os.environ.pop("DEBUG", None)
