"""Which of the services are ours to run, and what they need before the site can use them."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from coinshop.embedded import addresses, console, identity, postgres, shop, valkey
from coinshop.embedded.processes import Program


def embedded_services(
    given: Mapping[str, str], data: Path, sockets: Path, held_fd: int
) -> tuple[list[Program], Callable[[], None]]:
    """Return the services that are ours to run, and how the database is provisioned once they are up."""
    services: list[Program] = []
    provision: Callable[[], None] = _nothing
    if shop.embeds_postgres(given):
        cluster = postgres.Cluster(identity.choose(data, sockets), sockets, log=data / "postgres.log")
        if not cluster.files.exists():
            console.say("making the database (once)…")
            cluster.create(held_fd)
        services.append(cluster.program(postgres.DURABLE))
        provision = partial(cluster.provision, addresses.DATABASE)
    if shop.embeds_valkey(given):
        services.append(valkey.program(data=data, sockets=sockets, durability=valkey.DURABLE))
    return services, provision


def _nothing() -> None:
    pass
