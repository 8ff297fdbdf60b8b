"""The rig: a shop, its people, one history, and how a drill is run and counted."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any

import psycopg2

from drills import checker, nemesis
from drills.clients import DECLINED, SMALL_GIFTS, Person
from drills.history import History, Operation, tally, unheard_of
from drills.http import Answer, Connection, Unanswered
from drills.nemesis import Nemesis
from drills.report import HEALS_AT_ALL_S, Result
from drills.shop import Shop

FANS = 24
CLIENTS = 12  # who are about at once: more of them wait for each other on two cores
ENOUGH_COINS = 600


@dataclass
class Rig:
    """What a drill gets."""

    shop: Shop
    seed: int
    fans: list[Person] = field(default_factory=list)
    stars: list[Person] = field(default_factory=list)
    others: dict[str, Person] = field(default_factory=dict)
    history: History = field(default_factory=History)
    spare: list[Person] = field(default_factory=list)  # devices with a kept connection
    poisoned: list[str] = field(default_factory=list)
    drill: str = ""
    heal_s: float = 0.0  # from the end of the last load until nothing waited

    def __post_init__(self) -> None:
        self.dice = Random(f"rig {self.seed}")

    async def welcome(self) -> None:
        """Make the people, or find them again, and sign them in."""
        for facts in await self.shop.inside("people", str(FANS)):
            person = Person(
                id=facts["id"],
                handle=facts["handle"],
                web=Connection(self.shop.port, {"session": facts["session"]}),
                payments=Connection(self.shop.sandbox_port),
                history=self.history,
                rng=Random(f"{facts['handle']} {self.seed}"),
            )
            if facts["is_creator"]:
                self.stars.append(person)
            elif person.handle.startswith("drill"):
                self.fans.append(person)
            else:
                self.others[person.handle] = person

    def everybody(self) -> list[Person]:
        return [*self.fans, *self.stars, *self.others.values()]

    def enter(self, drill: str) -> None:
        """From now on, what is begun belongs to this drill."""
        self.drill = drill
        for person in self.everybody():
            person.drill = drill

    def nemesis(self) -> Nemesis:
        return Nemesis(self.shop, self.seed)

    # Load ------------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def load(self, clients: int = CLIENTS, buying: float = 0.02) -> AsyncIterator[None]:
        """People who buy and give as fast as they are answered, until the end of the block; then the shop heals.

        Somebody may still wait for an answer that will not come: the healing is timed beside them.
        """
        is_over = asyncio.Event()
        at_work = [asyncio.create_task(self._live(person, buying, is_over)) for person in self.fans[:clients]]
        try:
            yield
        finally:
            is_over.set()
            healing = asyncio.create_task(self.heal())
            await asyncio.gather(*at_work)
            self.heal_s = await healing

    async def _live(self, person: Person, buying: float, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            if person.rng.random() < buying:
                await self._buy_something(person)
                continue
            star, gift = person.rng.choice(self.stars).handle, person.rng.choice([*SMALL_GIFTS])
            if person.rng.random() < 0.01:  # a double tap: one key, two requests, one gift
                await self._tap_twice(person, star, gift)
            elif (await person.give(star, gift)).status == 409:  # too few coins
                await self._buy_something(person)

    async def _buy_something(self, person: Person) -> Operation:
        card = {"card": DECLINED} if person.rng.random() < 0.05 else {}
        return await person.buy(ENOUGH_COINS, returns=person.rng.random() < 0.3, **card)

    async def _tap_twice(self, person: Person, star: str, gift: str) -> None:
        first = asyncio.create_task(person.give(star, gift))
        await asyncio.sleep(0)
        operation = self.history.operations[-1]
        form = {"gift": gift, "quantity": "1", "key": str(operation.key), "csrfmiddlewaretoken": person.token}
        other = Connection(self.shop.port, person.web.cookies)
        with contextlib.suppress(Unanswered):
            await other.post(f"/@{star}/gifts/", form)
        other.close()
        await first

    async def fund(self, people: list[Person], coins: int = 3000) -> None:
        """See that everybody has coins to begin with."""
        await asyncio.gather(*(person.buy(coins) for person in people))
        await self.quiesce()

    # Asking the shop as the provider does ----------------------------------------------------------------------------

    async def deliver(self, event: dict[str, Any] | bytes, *, header: str | None = None) -> int:
        """Post an event to the webhook, signed now unless the header is given; the status, or 0."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        signature = self.signature(body) if header is None else header
        return (await self.post_event(body, {"Stripe-Signature": signature} if signature else {})).status

    async def post_event(self, body: bytes, headers: dict[str, str]) -> Answer:
        connection = Connection(self.shop.port)
        try:
            return await connection.send(
                "POST", "/webhooks/stripe/", body, {"Content-Type": "application/json", **headers}
            )
        except Unanswered:
            return Answer(0, {}, b"")
        finally:
            connection.close()

    def signature(self, body: bytes, *, at: int | None = None, secret: str = "", scheme: str = "v1") -> str:
        moment = int(time.time()) if at is None else at
        key = (secret or self.shop.told["STRIPE_WEBHOOK_SECRET"]).encode()
        return f"t={moment},{scheme}={hmac.new(key, f'{moment}.'.encode() + body, hashlib.sha256).hexdigest()}"

    async def wait(self, seconds: float) -> None:
        """Let the load go on."""
        await asyncio.sleep(seconds)

    # Healing ---------------------------------------------------------------------------------------------------------

    async def heal(self, limit_s: float = HEALS_AT_ALL_S) -> float:
        """Wait until the shop has nothing left to work on; the seconds it took."""
        begun = monotonic()
        while monotonic() < begun + limit_s:
            with contextlib.suppress(OSError, psycopg2.Error):
                if checker.waiting(self.shop) == 0:
                    break
            await asyncio.sleep(0.05)
        return monotonic() - begun

    async def mend(self) -> None:
        """Undo whatever is still broken on purpose, as soon as there is somebody to hear it."""
        for _ in range(100):
            try:
                await nemesis.mend(self.shop)
                return
            except OSError:
                await asyncio.sleep(0.1)

    async def quiesce(self) -> None:
        """Mend everything and wait until all that was said has been heard: the provider's events too.

        What the provider would try again much later is sent again by hand, as from its dashboard.
        """
        await self.mend()
        deadline = monotonic() + HEALS_AT_ALL_S
        while monotonic() < deadline:
            with contextlib.suppress(OSError, psycopg2.Error):
                pending = checker.undelivered(self.shop)
                if not pending and checker.waiting(self.shop) == 0:
                    return
                for delivery in pending:
                    await nemesis.tell_provider(self.shop, f"deliveries/{delivery}")
            await asyncio.sleep(0.5)

    async def restart(self) -> None:
        """Stop everything, start everything. Kept connections end with it."""
        await self.shop.stop()
        await self.shop.start()
        for person in self.everybody():
            person.web.close()
            person.payments.close()


@dataclass(frozen=True)
class Found:
    """What a drill says at its end: how many faults it did, and in words whatever did not hold."""

    faults: int = 0
    broken: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)  # right, but not in the time that is promised
    ops: int | None = None  # where its operations are not in the history: events posted, bodies refused
    heal_s: float | None = None
    settled: list[float] | None = None
    void: str = ""


Body = Callable[[Rig], Awaitable[Found]]


@dataclass(frozen=True)
class Drill:
    """A drill: its name in the list, what holds, how few operations and faults make it void, and what it does."""

    name: str
    holds: str
    ops: int
    faults: int
    run: Body


DRILLS: dict[str, Drill] = {}


def drill(name: str, holds: str, *, ops: int, faults: int = 0) -> Callable[[Body], Body]:
    """Enter a function into the list of drills."""

    def enter(function: Body) -> Body:
        DRILLS[name] = Drill(name, holds, ops, faults, function)
        return function

    return enter


async def run_one(rig: Rig, drill: Drill) -> Result:
    """Run a drill, and once more if so little happened that it would be void."""
    result = await _run_once(rig, drill)
    if result.is_void(len(rig.history.of(drill.name))):
        result = await _run_once(rig, drill)
    return result


async def _run_once(rig: Rig, drill: Drill) -> Result:
    """Run one drill, let the shop heal, and ask the quick questions. What was lost is counted at the very end."""
    rig.enter(drill.name)
    since = checker.moment(rig.shop)
    found = await drill.run(rig)
    await rig.mend()
    heal_s = await rig.heal() if found.heal_s is None else found.heal_s
    await rig.quiesce()
    settled = found.settled if found.settled is not None else checker.settle_times(rig.shop, since)
    return Result(
        drill=drill.name,
        seed=rig.seed,
        faults=found.faults,
        heal_s=heal_s,
        settled=settled,
        broken=found.broken,
        late=found.late,
        others=found.ops or 0,
        void=found.void,
        least_ops=drill.ops,
        least_faults=drill.faults,
    )


async def judge(rig: Rig, results: list[Result], *, when: str) -> None:
    """Hold every operation against the ledger, and the books against the rules; what is found goes into the lines."""
    effects = checker.effects(rig.shop)
    for result in results:
        result.tallies[when] = tally(rig.history.of(result.drill), effects)
    strangers = unheard_of(rig.history, effects)
    violations = await checker.violations(rig.shop, given_up=rig.poisoned)
    results[-1].strangers = max(results[-1].strangers, strangers)
    for violation in violations:
        text = f"{when}: {violation.rule}: {violation.what}"
        for result in results:
            result.violations.append(text)
