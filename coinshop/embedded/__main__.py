"""`make run`: the whole shop on this machine, from nothing."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

from coinshop.embedded import addresses, console, environment, keys, ports, shop
from coinshop.embedded.claim import AlreadyClaimedError, claim
from coinshop.embedded.processes import StartFailedError, die_with_parent
from coinshop.embedded.supervisor import Plan, Supervisor

FIRST_SANDBOX_PORT = 12111


def main() -> int:
    """Run the shop of the data folder until Ctrl-C."""
    if "--end-with-parent" in sys.argv:  # so that a killed `make` takes us with it
        die_with_parent(signal.SIGTERM)
    data = environment.data_folder()
    try:
        with claim(data) as held_fd:
            return _run(data, held_fd)
    except AlreadyClaimedError:
        console.say(f"already running here: {shop.url(environment.read(data / 'env'))}")
    except StartFailedError as failure:
        console.say(str(failure))
    return 1


def _run(data: Path, held_fd: int) -> int:
    given, sockets = dict(os.environ), addresses.sockets_folder(data)
    addresses.make_sockets_folder(sockets)
    web = ports.hold(int(given.get("PORT") or 8000))
    sandbox = ports.hold(FIRST_SANDBOX_PORT) if shop.embeds_sandbox(given) else None
    told = shop.describe(given, data=data, sockets=sockets, secrets=keys.kept_in(data), web=web, sandbox=sandbox)
    services, provision = shop.embedded_services(given, data, sockets, held_fd)
    plan = Plan(
        services=services,
        provision=provision,
        errands=shop.errands(told, with_demo=shop.embeds_postgres(given)),
        site=shop.site(told, data=data, web=web, sandbox=sandbox),
        announce=lambda: console.plain(shop.welcome(told, has_demo=shop.embeds_postgres(given))),
    )
    environment.write(data / "env", told)
    try:
        return asyncio.run(Supervisor(plan, pids=data / "pids", held_fd=held_fd).run())
    finally:
        (data / "env").unlink(missing_ok=True)
        shutil.rmtree(sockets, ignore_errors=True)
        console.say("everything is stopped")


if __name__ == "__main__":
    sys.exit(main())
