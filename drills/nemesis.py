"""Faults, each a function that does its harm and mends it. To add one, write it here with its @fault: that is all.

A fault gets the shop, the seed's own dice, and says by returning False that it found nothing to break: then it does not
count. Between faults the shop is not waited for: the next one may find it still down.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic

import psycopg2

from drills.http import Connection, Unanswered
from drills.shop import Shop

Fault = Callable[[Shop, Random], Awaitable[bool]]
FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Fault], Fault]:
    """Enter a function into the table of faults."""

    def enter(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return enter


# Processes -----------------------------------------------------------------------------------------------------------


@fault("worker child killed")
async def kill_worker_child(shop: Shop, dice: Random) -> bool:
    children = shop.children("worker")
    return bool(children) and _kill(dice.choice(children))


@fault("worker killed")
async def kill_worker(shop: Shop, dice: Random) -> bool:
    return shop.kill("worker", tree=True)


@fault("sweep killed")
async def kill_sweep(shop: Shop, dice: Random) -> bool:
    return shop.kill(dice.choice(["sweep", "sweep-2"]))


@fault("web server killed")
async def kill_web(shop: Shop, dice: Random) -> bool:
    return shop.kill(dice.choice(["web", "web-2"]))


@fault("beat killed")
async def kill_beat(shop: Shop, dice: Random) -> bool:
    return shop.kill("beat")


@fault("everything but the web frozen")
async def freeze_the_back(shop: Shop, dice: Random) -> bool:
    names = ["worker", "sweep", "sweep-2"]
    return any([await _freeze(shop, names, dice.uniform(0.5, 2))])


@fault("payment provider killed")
async def kill_provider(shop: Shop, dice: Random) -> bool:
    return shop.kill("sandbox")


# PostgreSQL ----------------------------------------------------------------------------------------------------------

OF_THE_SITE = "SELECT pid FROM pg_stat_activity WHERE usename = 'coinshop_site'"


@fault("database backend killed")
async def kill_backend(shop: Shop, dice: Random) -> bool:
    """The server takes it for a crash: every session ends, and it recovers from its log."""
    backends = _backends(shop)
    return bool(backends) and _kill(dice.choice(backends))


@fault("half of the database sessions ended")
async def terminate_sessions(shop: Shop, dice: Random) -> bool:
    backends = _backends(shop)
    ended = [pid for pid in backends if dice.random() < 0.5]
    with suppress(psycopg2.Error):
        shop.ask("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", (ended,))
    return bool(ended)


@fault("database killed")
async def kill_database(shop: Shop, dice: Random) -> bool:
    return shop.kill("postgres", tree=True)


@fault("database line cut")
async def cut_database(shop: Shop, dice: Random) -> bool:
    shop.line("postgres", "cut")
    return True


@fault("database line frozen")
async def freeze_database_line(shop: Shop, dice: Random) -> bool:
    async with _broken(shop, "postgres", "freeze"):
        await asyncio.sleep(dice.uniform(0.3, 1.5))
    return True


@fault("database answers late")
async def slow_database(shop: Shop, dice: Random) -> bool:
    async with _broken(shop, "postgres", f"slow {dice.randint(5, 20)}"):
        await asyncio.sleep(dice.uniform(0.5, 1.5))
    return True


@fault("answers to COMMIT lost")
async def lose_commits(shop: Shop, dice: Random) -> bool:
    before = shop.line("postgres", "lost")
    async with _broken(shop, "postgres", f"lose_commits {dice.randint(1, 8)}"):
        await asyncio.sleep(1)
    return shop.line("postgres", "lost") > before


# Valkey --------------------------------------------------------------------------------------------------------------


@fault("broker killed")
async def kill_broker(shop: Shop, dice: Random) -> bool:
    """It keeps nothing: all that waited is gone."""
    return shop.kill("valkey")


@fault("broker frozen")
async def freeze_broker(shop: Shop, dice: Random) -> bool:
    return await _freeze(shop, ["valkey"], dice.uniform(0.5, 3))


@fault("broker refuses")
async def refuse_broker(shop: Shop, dice: Random) -> bool:
    async with _broken(shop, "valkey", "refuse"):
        await asyncio.sleep(dice.uniform(0.5, 3))
    return True


@fault("broker line cut")
async def cut_broker(shop: Shop, dice: Random) -> bool:
    shop.line("valkey", "cut")
    return True


@fault("broker emptied")
async def empty_broker(shop: Shop, dice: Random) -> bool:
    return _valkey(shop, "FLUSHALL")


@fault("broker's clients ended")
async def end_broker_clients(shop: Shop, dice: Random) -> bool:
    return _valkey(shop, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


@fault("broker out of memory")
async def fill_broker(shop: Shop, dice: Random) -> bool:
    is_full = _valkey(shop, "CONFIG", "SET", "maxmemory", "1")
    await asyncio.sleep(dice.uniform(0.5, 2))
    _valkey(shop, "CONFIG", "SET", "maxmemory", "0")
    return is_full


# The payment provider ------------------------------------------------------------------------------------------------


@fault("provider does the work and loses the answer")
async def lose_provider_answers(shop: Shop, dice: Random) -> bool:
    kind = dice.choice(["500", "503", "reset"])
    return await tell_provider(shop, "outages", kind=kind, after="true", calls=str(dice.randint(1, 6)), seconds="3")


@fault("provider fails")
async def fail_provider(shop: Shop, dice: Random) -> bool:
    kind = dice.choice(["500", "503", "429", "reset"])
    return await tell_provider(shop, "outages", kind=kind, calls=str(dice.randint(1, 6)), seconds="3")


@fault("events held back, then all at once and twice")
async def hold_events(shop: Shop, dice: Random) -> bool:
    is_held = await tell_provider(shop, "faults", webhooks="hold")
    await asyncio.sleep(dice.uniform(0.5, 2))
    await tell_provider(shop, "faults", webhooks="double")
    await tell_provider(shop, "faults", release="1", webhooks="normal")
    return is_held


async def tell_provider(shop: Shop, what: str, **facts: str) -> bool:
    """Turn one of the sandbox's knobs; False when it is not there to hear."""
    try:
        return (await Connection(shop.sandbox_port).post(f"/_sandbox/{what}", facts)).status == 200
    except Unanswered:
        return False


async def mend(shop: Shop) -> None:
    """Whatever is still broken on purpose is not any more."""
    for name in ("postgres", "valkey"):
        shop.line(name, "flow")
    _valkey(shop, "CONFIG", "SET", "maxmemory", "0")
    await tell_provider(shop, "outages/end")
    await tell_provider(shop, "faults", api="up", api_delay_ms="0", webhook_delay_s="0", webhooks="normal", release="1")


# The order of things -------------------------------------------------------------------------------------------------


@dataclass
class Nemesis:
    """Chooses faults by its seed: every kind once in each round, in an order of its own."""

    shop: Shop
    seed: int
    kinds: list[str] = field(default_factory=lambda: [*FAULTS])
    gap_s: tuple[float, float] = (1.0, 2.4)
    done: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = Random(f"nemesis {self.seed}")

    def order(self) -> list[str]:
        return self.dice.sample(self.kinds, len(self.kinds))

    async def rage(self, is_over: Callable[[], bool], on_fault: Callable[[str], None] = lambda name: None) -> None:
        """Break things until it is over; `on_fault` hears of each kind before it happens."""
        while not is_over():
            for name in self.order():
                if is_over():
                    break
                on_fault(name)
                await self.strike(name)
                await asyncio.sleep(self.dice.uniform(*self.gap_s))

    async def strike(self, name: str) -> bool:
        dice = Random(self.dice.random())  # so that a fault with nothing to break leaves the order as it is
        try:
            is_done = await FAULTS[name](self.shop, dice)
        except (OSError, psycopg2.Error):  # what was to be broken was down already
            is_done = False
        if is_done:
            self.done.append((monotonic(), name))
        return is_done


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


async def _freeze(shop: Shop, names: list[str], seconds: float) -> bool:
    frozen = [name for name in names if shop.kill(name, signal.SIGSTOP, tree=True)]
    await asyncio.sleep(seconds)
    for name in frozen:
        shop.kill(name, signal.SIGCONT, tree=True)
    return bool(frozen)


@asynccontextmanager
async def _broken(shop: Shop, line: str, order: str) -> AsyncIterator[None]:
    shop.line(line, order)
    try:
        yield
    finally:
        shop.line(line, "flow")


def _backends(shop: Shop) -> list[int]:
    return [pid for (pid,) in shop.ask(OF_THE_SITE)]


def _valkey(shop: Shop, *words: str) -> bool:
    try:
        return not shop.valkey(*words).startswith(b"-")
    except OSError:
        return False
