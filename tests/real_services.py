"""A pytest plugin, loaded with `-p real_services`: a real PostgreSQL and a real Valkey for the tests.

It is a plugin and no conftest because pytest-django reads the settings before any conftest is imported, and they read
the environment that is set here. The services start once per run; the database they hold is a clone of a template that
is migrated again only when migrations change. Nothing here is durable: a crash of the machine may lose all of it.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coinshop.embedded import addresses, environment, identity, keys, postgres, valkey
from coinshop.embedded.claim import AlreadyClaimedError, claim
from coinshop.embedded.processes import Program, StartFailedError, end_group, open_log, start

ROOT = environment.ROOT
DATA = ROOT / ".coinshop-test"
SOCKETS = addresses.sockets_folder(DATA)
DATABASE = "test_coinshop"
START_LIMIT_S = 60.0

# What `manage.py migrate` makes a database from.
MIGRATED_FROM = ["migrations/*.py", "*.sql", "data/*", "apps.py", "roles.py"]

_open = contextlib.ExitStack()


def site_url(database: str = DATABASE) -> str:
    """Return a database's address for the role the site runs as."""
    return addresses.database_url(addresses.SITE, SOCKETS, database)


def owner_url(database: str = DATABASE) -> str:
    """Return a database's address for the role that owns the tables."""
    return addresses.database_url(addresses.OWNER, SOCKETS, database)


def create_database(name: str) -> None:
    """Make a migrated database without rows of its own; an older one of this name is dropped, with its connections."""
    _cluster().clone(_template(), name)


def drop_database(name: str) -> None:
    """Drop a database, whoever is connected to it."""
    _cluster().drop(name)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Bring up the services and a fresh database before the first test asks for one."""
    if session.config.option.collectonly:
        return
    try:
        _start_services()
        _migrate_template()
        create_database(DATABASE)
    except AlreadyClaimedError:
        pytest.exit(f"another test run uses {DATA}; wait for its end", returncode=pytest.ExitCode.USAGE_ERROR)
    except StartFailedError as failure:
        pytest.exit(str(failure), returncode=pytest.ExitCode.INTERNAL_ERROR)


def pytest_unconfigure() -> None:
    """Stop what was started, however the run ended."""
    _open.close()


def _set_environment() -> None:
    """Say what the settings read; what a developer has set for another shop is not for the tests."""
    DATA.mkdir(mode=0o700, exist_ok=True)
    os.environ.update(
        keys.kept_in(DATA),
        COINSHOP_EMBEDDED="1",
        COINSHOP_DATA=str(DATA),
        DATABASE_URL=site_url(),
        DATABASE_OWNER_URL=owner_url(),
        REDIS_URL=addresses.redis_url(SOCKETS, 0),
        BROKER_URL=addresses.kombu_url(SOCKETS, 1),
        CACHE_URL=addresses.redis_url(SOCKETS, 2),
        EMAIL_URL=f"file:///{DATA}/mail",
        STRIPE_API_BASE="http://127.0.0.1:9",  # nobody listens: a test that needs Stripe names its sandbox
    )
    for name in ["ALLOWED_HOSTS", "DEBUG", "PORT", "TRUSTED_PROXIES"]:
        os.environ.pop(name, None)


def _cluster() -> postgres.Cluster:
    return postgres.Cluster(identity.choose(DATA, SOCKETS), SOCKETS, log=DATA / "postgres.log")


def _start_services() -> None:
    held_fd = _open.enter_context(claim(DATA))
    addresses.make_sockets_folder(SOCKETS)
    _open.callback(shutil.rmtree, SOCKETS, ignore_errors=True)
    cluster = _cluster()
    if not cluster.files.exists():
        cluster.create(held_fd)
    kv = valkey.program(data=DATA, sockets=SOCKETS, durability=valkey.THROW_AWAY)
    _open.enter_context(_running(cluster.program(postgres.THROW_AWAY), held_fd, cluster.answers))
    _open.enter_context(_running(kv, held_fd, lambda: valkey.answers(SOCKETS)))


@contextlib.contextmanager
def _running(program: Program, held_fd: int, answers: Callable[[], bool]) -> Iterator[None]:
    log = open_log(program.log or Path(os.devnull))
    process = start(program, held_fd=held_fd, output=log)
    os.close(log)
    try:
        _wait_until(answers, process, program)
        yield
    finally:
        process.send_signal(program.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(program.grace_s)
        end_group(process)
        process.wait()


def _wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], program: Program) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartFailedError(f"{program.name} did not start; see {program.log}")
        time.sleep(0.02)


def _template() -> str:
    """Name the template after everything that a migrated database is made from."""
    files = [*ROOT.glob("requirements.lock"), postgres.PROVISION]
    for app in (folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists()):
        files += [file for pattern in MIGRATED_FROM for file in app.rglob(pattern) if file.is_file()]
    contents = hashlib.sha256()
    for file in sorted(files):
        contents.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return f"template_{contents.hexdigest()[:16]}"


def _migrate_template() -> None:
    """Migrate a template once; under another name first, so that one that failed half-way is never cloned."""
    cluster, template, draft = _cluster(), _template(), "template_draft"
    known = cluster.ask("SELECT datname FROM pg_database WHERE datname LIKE 'template\\__%' OR datname LIKE 'test\\_%'")
    if template in known:
        return
    for database in {*known, draft} - {"template0", "template1"}:
        cluster.drop(database)
    cluster.provision(draft)
    as_owner = environment.for_children({"DATABASE_URL": owner_url(draft), "DATABASE_OWNER_URL": owner_url(draft)})
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    done = subprocess.run(migrate, cwd=ROOT, env=as_owner, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartFailedError(f"migrations failed\n{done.stderr}")
    cluster.ask(f'ALTER DATABASE "{draft}" RENAME TO "{template}"')


_set_environment()
