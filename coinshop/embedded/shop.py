"""What one shop on one machine consists of: what its processes are told, and which processes there are."""

import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from socket import socket

from coinshop.embedded import addresses, console, identity, ports, postgres, valkey
from coinshop.embedded.environment import for_children
from coinshop.embedded.pages import answers_ok
from coinshop.embedded.processes import Program

PYTHON = sys.executable
HERE = "127.0.0.1,localhost,[::1]"
OURS = {"COINSHOP_EMBEDDED", "COINSHOP_DATA", "PORT", "ALLOWED_HOSTS"}  # said by us, whatever was given


def embeds_postgres(given: Mapping[str, str]) -> bool:
    """Tell whether the database is ours to run."""
    return not given.get("DATABASE_URL")


def embeds_valkey(given: Mapping[str, str]) -> bool:
    """Tell whether broker and cache are ours to run."""
    return not given.get("REDIS_URL")


def embeds_sandbox(given: Mapping[str, str]) -> bool:
    """Tell whether a play Stripe is ours to run: never beside a real key, nor beside another play Stripe."""
    return not (given.get("STRIPE_API_KEY") or given.get("STRIPE_API_BASE"))


def describe(
    given: Mapping[str, str],
    *,
    data: Path,
    sockets: Path,
    secrets: Mapping[str, str],
    web: socket,
    sandbox: socket | None,
) -> dict[str, str]:
    """Return the variables that the shop's processes are told; what was given by hand is kept."""
    wanted = {
        "COINSHOP_EMBEDDED": "1",
        "COINSHOP_DATA": str(data),
        "PORT": str(ports.number(web)),
        "SECRET_KEY": secrets["SECRET_KEY"],
        "ALLOWED_HOSTS": ",".join(filter(None, [HERE, given.get("ALLOWED_HOSTS")])),
        "EMAIL_URL": f"file:///{data}/mail",  # dj-email-url takes the path as it stands, spaces and all
    }
    wanted |= _database(given, sockets)
    wanted |= _valkey(given, sockets)
    if sandbox:
        wanted |= {name: secrets[name] for name in ["STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"]}
        wanted["STRIPE_API_BASE"] = f"http://127.0.0.1:{ports.number(sandbox)}"
    return {name: value if name in OURS else given.get(name) or value for name, value in wanted.items()}


def embedded_services(
    given: Mapping[str, str], data: Path, sockets: Path, held_fd: int
) -> tuple[list[Program], Callable[[], None]]:
    """Return the services that are ours to run, and how the database is provisioned once they are up."""
    services: list[Program] = []
    provision: Callable[[], None] = _nothing
    if embeds_postgres(given):
        cluster = postgres.Cluster(identity.choose(data, sockets), sockets, log=data / "postgres.log")
        if not cluster.files.exists():
            console.say("making the database (once)…")
            cluster.create(held_fd)
        services.append(cluster.program(postgres.DURABLE))
        provision = partial(cluster.provision, addresses.DATABASE)
    if embeds_valkey(given):
        services.append(valkey.program(data=data, sockets=sockets, durability=valkey.DURABLE))
    return services, provision


def errands(shop: Mapping[str, str], *, with_demo: bool) -> list[Program]:
    """Return what runs once, in this order, before the site starts; the owner of the tables runs it.

    The demo's people have a well-known password: they never enter a database that is not embedded.
    """
    as_owner = for_children({**shop, "DATABASE_URL": shop["DATABASE_OWNER_URL"]})
    migrate = Program(name="migrate", argv=[PYTHON, "manage.py", "migrate", "--verbosity=0"], environment=as_owner)
    demo = Program(name="demo", argv=[PYTHON, "manage.py", "load_demo"], environment=as_owner)
    return [migrate, demo] if with_demo else [migrate]


def site(shop: Mapping[str, str], *, data: Path, web: socket, sandbox: socket | None) -> list[Program]:
    """Return the processes of the site, which run until we stop."""
    environment = for_children(shop)
    celery = [PYTHON, "-W", "ignore::UserWarning:celery.platforms", "-m", "celery", "-A", "coinshop"]  # "you are root"
    found = [
        Program(
            name="web",
            argv=[PYTHON, "-m", "uvicorn", "coinshop.asgi:application", "--fd", str(web.fileno())]
            # Who is behind a proxy is for the settings to decide (TRUSTED_PROXIES), not for uvicorn.
            + ["--no-proxy-headers", "--no-access-log", "--log-level=warning", "--timeout-graceful-shutdown=3"],
            environment=environment,
            ready=answers_ok(ports.number(web), "/healthz"),
            fds=(web.fileno(),),
        ),
        Program(
            name="worker",
            argv=[*celery, "--quiet", "worker", "--loglevel=INFO", "--concurrency=2"]
            # A soft shutdown waits this long even when idle; in production it is longer.
            + ["--without-gossip", "--without-mingle", "--", "worker_soft_shutdown_timeout=1"],
            environment={**environment, "REMAP_SIGTERM": "SIGQUIT"},
            ready=re.compile(r"@\S+ ready\."),  # `celery inspect ping` would cost a second and another Python
        ),
        Program(
            name="sweep",
            argv=[PYTHON, "manage.py", "sweep"],
            environment=environment,
            ready=re.compile(r"sweep is running"),
        ),
        Program(
            name="beat",
            argv=[*celery, "--quiet", "beat", "--loglevel=INFO", f"--schedule={data / 'beat-schedule'}"],
            environment=environment,
            ready=re.compile(r"beat: Starting"),
        ),
    ]
    return [*found, _sandbox(shop, data=data, listener=sandbox)] if sandbox else found


def _sandbox(shop: Mapping[str, str], *, data: Path, listener: socket) -> Program:
    webhook = f"http://127.0.0.1:{shop['PORT']}/webhooks/stripe/={shop['STRIPE_WEBHOOK_SECRET']}"
    return Program(
        name="sandbox",
        argv=[PYTHON, "-m", "payments.sandbox", "--fd", str(listener.fileno()), "--data", str(data / "sandbox")]
        + ["--webhook", webhook, "--public-url", shop["STRIPE_API_BASE"]],
        environment=for_children(shop),
        ready=answers_ok(ports.number(listener), "/_sandbox/health"),
        fds=(listener.fileno(),),
    )


def _database(given: Mapping[str, str], sockets: Path) -> dict[str, str]:
    if not embeds_postgres(given):
        return {"DATABASE_URL": given["DATABASE_URL"], "DATABASE_OWNER_URL": given["DATABASE_URL"]}
    return {
        "DATABASE_URL": addresses.database_url(addresses.SITE, sockets),
        "DATABASE_OWNER_URL": addresses.database_url(addresses.OWNER, sockets),
    }


def _valkey(given: Mapping[str, str], sockets: Path) -> dict[str, str]:
    if not embeds_valkey(given):
        return {"REDIS_URL": given["REDIS_URL"]}
    # Databases apart: clearing the cache must not clear the queue.
    return {
        "REDIS_URL": addresses.redis_url(sockets, 0),
        "BROKER_URL": addresses.kombu_url(sockets, 1),
        "CACHE_URL": addresses.redis_url(sockets, 2),
    }


def url(shop: Mapping[str, str]) -> str:
    """Return where the shop is open."""
    return f"http://127.0.0.1:{shop.get('PORT', '…')}/"


def welcome(shop: Mapping[str, str], *, has_demo: bool) -> str:
    """Return the words that tell a person, and a waiting script, that the shop is open."""
    here = url(shop)
    demo = [
        "sign in    fan@example.com, password coinshop-demo",
        f"a creator  {here}@creator/",
        f"admin      {here}admin/ (admin@example.com, the same password)",
    ]
    always = [
        f"mail       {here}mailbox/",
        f"payments   {shop.get('STRIPE_API_BASE', 'Stripe itself')}",
        f"data       {shop['COINSHOP_DATA']}",
        "",
        "Ctrl-C stops it.",
    ]
    lines = [*(demo if has_demo else []), *always]
    return "\n".join([f"coinshop is ready: {here}", "", *(f"    {line}".rstrip() for line in lines), ""])


def _nothing() -> None:
    pass
