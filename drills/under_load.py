"""F: what breaks while people buy and give."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

import psycopg2

from drills import checker
from drills.history import Ended
from drills.nemesis import tell_provider
from drills.report import part_of
from drills.rig import Found, Rig, drill

SETTLES_S = 5.0  # 99 of 100 top-ups, whatever breaks meanwhile
FROZEN_S = 2.5  # the worker, while a backlog grows
ANSWERS_S = 1.0  # no request waits longer for a broker


async def again_and_again(rig: Rig, fault: str, times: int, pause_s: float) -> int:
    """Do one kind of fault several times; how often there was something to break."""
    done, nemesis = 0, rig.nemesis()
    for _ in range(times):
        await asyncio.sleep(pause_s)
        done += await nemesis.strike(fault)
    return done


def slow_settling(settled: list[float], within_s: float = SETTLES_S) -> list[str]:
    late = part_of(settled, 0.99)
    return [f"settle p99 {late:.1f} s, more than {within_s:.0f} s"] if late > within_s else []


async def during(rig: Rig, harm: Callable[[], Awaitable[int]], *, buying: float = 0.05, down_s: float = 0.0) -> Found:
    """People buy and give while harm is done; then: how long until nothing waits, and how late the coins came."""
    since = checker.moment(rig.shop)
    async with rig.load(buying=buying):
        faults = await harm()
    await rig.quiesce()
    settled = checker.settle_times(rig.shop, since)
    return Found(faults=faults, heal_s=rig.heal_s, settled=settled, late=slow_settling(settled, SETTLES_S + down_s))


@drill("F01", "a killed worker child loses and doubles nothing", ops=100, faults=10)
async def worker_children(rig: Rig) -> Found:
    return await during(rig, lambda: again_and_again(rig, "worker child killed", 14, 0.5), buying=0.2)


@drill("F02", "a killed worker loses nothing, and nothing waits for the broker's time-out", ops=60, faults=2)
async def workers(rig: Rig) -> Found:
    return await during(rig, lambda: again_and_again(rig, "worker killed", 3, 2.5), buying=0.2)


@drill("F04", "a broker that dies with its backlog loses nothing", ops=50, faults=2)
async def broker_with_backlog(rig: Rig) -> Found:
    async def harm() -> int:
        faults = 0
        for _ in range(2):
            rig.shop.kill("worker", signal.SIGSTOP, tree=True)  # so that there is a backlog
            await asyncio.sleep(FROZEN_S)
            faults += rig.shop.kill("valkey")
            rig.shop.kill("worker", signal.SIGCONT, tree=True)
            await asyncio.sleep(1.5)
        return faults

    return await during(rig, harm, buying=0.15, down_s=2 * FROZEN_S)


@drill(
    "F05", "while the broker refuses or hangs, events are stored and settled, and no request waits", ops=60, faults=2
)
async def broker_away(rig: Rig) -> Found:
    waits: list[float] = []

    async def harm() -> int:
        for order in ("refuse", "freeze"):
            rig.shop.line("valkey", order)
            until = monotonic() + 4
            while monotonic() < until:
                waits.append(await _time_of_an_event(rig))
                await asyncio.sleep(0.2)
            rig.shop.line("valkey", "flow")
        return 2

    found = await during(rig, harm)
    slow = [wait for wait in waits if wait > ANSWERS_S]
    late = [f"{len(slow)} of {len(waits)} events waited for the broker, up to {max(slow):.1f} s"] if slow else []
    return Found(faults=2, heal_s=found.heal_s, settled=found.settled, late=found.late + late)


async def _time_of_an_event(rig: Rig) -> float:
    """How long the webhook takes with an event that nobody has seen."""
    begun = monotonic()
    await rig.deliver(event_of(rig, "customer.created", {"object": "customer", "id": "cus_drill"}))
    return monotonic() - begun


def event_of(rig: Rig, kind: str, thing: Mapping[str, object]) -> dict[str, Any]:
    """An event as the provider would write it."""
    return {
        "id": f"evt_drill{rig.dice.getrandbits(64):x}",
        "object": "event",
        "type": kind,
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": thing},
    }


@drill("F09", "ended database sessions leave nothing half done, and errors end within three seconds", ops=80, faults=5)
async def sessions_ended(rig: Rig) -> Found:
    ended_at: list[float] = []

    async def harm() -> int:
        done = await again_and_again(rig, "half of the database sessions ended", 7, 1.0)
        ended_at.append(monotonic())
        await asyncio.sleep(4)
        return done

    found = await during(rig, harm)
    failed = [
        operation
        for operation in rig.history.of("F09")
        if operation.begun > ended_at[0] + 3 and operation.ended is Ended.UNKNOWN
    ]
    late = [f"{len(failed)} operations failed more than 3 s after the last fault"] if failed else []
    return Found(faults=found.faults, heal_s=found.heal_s, settled=found.settled, late=found.late + late)


@drill(
    "F12",
    "a web server killed between COMMIT and publishing leaves a row that is settled all the same",
    ops=20,
    faults=2,
)
async def between_commit_and_publish(rig: Rig) -> Found:
    rows: list[str] = []

    async def harm() -> int:
        faults = 0
        for _ in range(3):
            rig.shop.line("valkey", "freeze")  # publishing hangs, so that the kill comes before it
            events = [event_of(rig, "customer.created", {"object": "customer", "id": "cus_drill"}) for _ in range(12)]
            await asyncio.gather(*(rig.deliver(event) for event in events))
            for name in ("web", "web-2"):
                faults += rig.shop.kill(name)
            rows.extend(_without_a_task(rig))
            rig.shop.line("valkey", "flow")
            await asyncio.sleep(3)
        return faults

    found = await during(rig, harm, buying=0.3, down_s=1)
    left = rig.shop.ask("SELECT id FROM payments_stripeevent WHERE id = ANY(%s) AND state = 'received'", (rows,))
    broken = [f"{len(left)} of {len(rows)} rows without a task were never worked on"] if left else []
    void = "" if rows else "no row was caught between COMMIT and publishing"
    return Found(found.faults, broken, found.late, heal_s=found.heal_s, settled=found.settled, void=void)


def _without_a_task(rig: Rig) -> list[str]:
    with contextlib.suppress(psycopg2.Error):
        found = rig.shop.ask("SELECT id FROM payments_stripeevent WHERE state = 'received' AND attempts = 0")
        return [event for (event,) in found]
    return []


@drill("F13", "two sweeps on the same rows, and a beat that ticks twice, double nothing", ops=60, faults=2)
async def two_of_each(rig: Rig) -> Found:
    async def harm() -> int:
        rig.shop.kill("worker", signal.SIGSTOP, tree=True)  # only the two sweeps work
        await tell_provider(rig.shop, "faults", webhooks="hold")
        await asyncio.sleep(3)
        await tell_provider(rig.shop, "faults", webhooks="double")
        rig.shop.ask("UPDATE payments_order SET poll_at = now() WHERE poll_at IS NOT NULL")
        await asyncio.sleep(3)
        rig.shop.kill("worker", signal.SIGCONT, tree=True)
        await rig.shop.inside("tick")
        return 2

    return await during(rig, harm, buying=0.2)


@drill("F15", "a deploy under load: no error from a restart, nothing lost, nothing stranded", ops=100, faults=5)
async def deploys(rig: Rig) -> Found:
    stranded, before = 0, _stranded(rig)  # what was killed or frozen in other drills still waits

    async def harm() -> int:
        nonlocal stranded
        for name in ("worker", "web", "sweep", "web-2", "sweep-2", "beat"):
            await _replace(rig, name)
            if name == "worker":
                stranded += max(0, _stranded(rig) - before)
        return 6

    async with rig.load(buying=0.1):
        faults = await harm()
        await rig.shop.manage("migrate", "--verbosity=0")
    errors = [operation for operation in rig.history.of("F15") if operation.status >= 500]
    broken = [f"{len(errors)} answers of 500 and more"] if errors else []
    if stranded:
        broken.append(f"{stranded} tasks wait for the broker's time-out")
    return Found(faults=faults, broken=broken, heal_s=rig.heal_s)


async def _replace(rig: Rig, name: str) -> None:
    """Ask a process to end, insist after ten seconds, and wait for its next life to be ready."""
    old = rig.shop.pid(name)
    rig.shop.kill(name, signal.SIGTERM)
    deadline = monotonic() + 10
    while rig.shop.pid(name) == old and monotonic() < deadline:
        await asyncio.sleep(0.05)
    if rig.shop.pid(name) == old:
        rig.shop.kill(name, tree=True)
    await asyncio.sleep(2.5 if name.startswith("web") else 0.5)


def _stranded(rig: Rig) -> int:
    """Tasks that a worker took and neither finished nor gave back. The next worker has taken none yet."""
    return int(rig.shop.valkey("HLEN", "unacked", number=1).strip(b":\r\n"))


@drill(
    "F18",
    "a provider that does the work and loses the answer makes no second page, payment or refund",
    ops=40,
    faults=5,
)
async def provider_unreliable(rig: Rig) -> Found:
    async def harm() -> int:
        faults = 0
        for path in ["/v1/checkout/sessions"] * 4:
            kind = rig.dice.choice(["500", "503", "reset"])
            faults += await tell_provider(
                rig.shop, "outages", kind=kind, path=path, after="true", calls="2", seconds="5"
            )
            await asyncio.sleep(1.5)
        return faults

    async with rig.load(buying=0.3):
        faults = await harm()
    await tell_provider(rig.shop, "outages/end")
    faults += await _refund_some(rig)
    return Found(faults=faults, broken=_more_than_one(rig), heal_s=rig.heal_s)


async def _refund_some(rig: Rig) -> int:
    """Give the money of some orders back while every answer about a refund is lost, and the worker dies on the way."""
    orders = rig.shop.ask(
        """SELECT o.id FROM payments_order o WHERE o.state = 'settled' AND NOT EXISTS (
             SELECT FROM payments_refund r WHERE r.order_id = o.id) ORDER BY o.created_at DESC LIMIT 8"""
    )
    await tell_provider(rig.shop, "outages", kind="500", path="/v1/refunds", after="true", calls="8", seconds="6")
    await rig.shop.inside("refunds", *(str(order) for (order,) in orders))
    await asyncio.sleep(1)
    rig.shop.kill("worker", tree=True)
    await asyncio.sleep(1)
    rig.shop.ask("UPDATE payments_outgoing SET due_at = now() WHERE state = 'waiting'")
    await tell_provider(rig.shop, "outages/end")
    await rig.heal()
    return 2


def _more_than_one(rig: Rig) -> list[str]:
    """What the provider has two of for one order: open pages of one attempt, payments, refunds."""
    broken = []
    for what, kind, order in [
        ("payment pages", "checkout.session", "$.client_reference_id"),
        ("payments", "payment_intent", "$.metadata.order"),
        ("refunds", "refund", "$.payment_intent"),
    ]:
        twice = checker.provider(
            rig.shop,
            f"""SELECT json_extract(body, '{order}') FROM objects WHERE kind = '{kind}'
                   AND json_extract(body, '{order}') IS NOT NULL GROUP BY 1 HAVING count(*) > 1""",
        )
        if twice:
            broken.append(f"{len(twice)} orders have more than one of: {what}")
    return broken


@drill(
    "F24",
    "a poison event is tried a bounded number of times, delays nobody, and can be driven again",
    ops=100,
    faults=5,
)
async def poison(rig: Rig) -> Found:
    session = {"object": "checkout.session", "id": "cs_test_nobody_knows", "payment_status": "paid"}
    events = [event_of(rig, "checkout.session.completed", session) for _ in range(5)]
    ids = [str(event["id"]) for event in events]
    rig.poisoned += ids
    since = checker.moment(rig.shop)
    async with rig.load(buying=0.1):
        for event in events:
            await rig.deliver(event)
        for _ in range(14):  # its own back-off takes a quarter of an hour: here time is turned forward
            await asyncio.sleep(0.6)
            rig.shop.ask(
                """UPDATE payments_stripeevent SET due_at = now() - interval '3 s'
                    WHERE id = ANY(%s) AND state = 'received' AND due_at < now() + interval '20 min'
                      AND remark <> ''""",
                (ids,),
            )
    await rig.quiesce()
    rows = rig.shop.ask("SELECT state, attempts FROM payments_stripeevent WHERE id = ANY(%s)", (ids,))
    broken = [f"a poison event is {state} after {attempts} attempts" for state, attempts in rows if attempts > 10]
    broken += [f"a poison event is {state}, not dead" for state, _ in rows if state != "dead"]
    rig.shop.ask("DELETE FROM payments_stripeevent WHERE id = ANY(%s)", (ids,))
    settled = checker.settle_times(rig.shop, since)
    return Found(faults=5, broken=broken, late=slow_settling(settled), heal_s=rig.heal_s, settled=settled)
