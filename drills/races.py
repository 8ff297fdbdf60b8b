"""R and L: what people do at one instant, and how the shop bears many of them."""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

from drills import checker
from drills.clients import Person
from drills.history import Ended
from drills.http import Connection, Unanswered
from drills.nemesis import tell_provider
from drills.report import part_of
from drills.rig import Found, Rig, drill
from drills.under_load import event_of


def another(rig: Rig, person: Person) -> Person:
    """The same person on one more device."""
    return Person(
        person.id,
        person.handle,
        Connection(rig.shop.port, person.web.cookies),
        Connection(rig.shop.sandbox_port),
        rig.history,
        person.rng,
        token=person.token,
        drill=person.drill,
    )


def close(devices: list[Person]) -> None:
    for device in devices:
        device.web.close()


def coins_of(rig: Rig, person: Person) -> int:
    found = rig.shop.ask("SELECT balance FROM wallet_account WHERE owner_id = %s AND kind = 'coins'", (person.id,))
    return int(found[0][0]) if found else 0


@drill("R01", "1,000 coins buy 142 gifts of 7, however many are sent at one instant", ops=256)
async def double_spend(rig: Rig) -> Found:
    person = rig.others["spender"]
    await rig.fund([person], 1000 - coins_of(rig, person))
    have = coins_of(rig, person)
    devices = [another(rig, person) for _ in range(64)]
    begun = len(rig.history.operations)
    await asyncio.gather(*(_send_sevens(device, 4) for device in devices))
    close(devices)
    sent = sum(1 for each in rig.history.operations[begun:] if each.ended is Ended.OK)
    left = coins_of(rig, person)
    is_right = (sent, left) == (have // 7, have % 7)
    return Found(broken=[] if is_right else [f"{have} coins bought {sent} gifts of 7, and {left} are left"])


async def _send_sevens(device: Person, times: int) -> None:
    for _ in range(times):
        await device.give("star0", "rose", quantity=7)


@drill("R03", "one key, fifty requests at once: one gift, and the same answer to each", ops=50)
async def same_key(rig: Rig) -> Found:
    person = rig.fans[0]
    await rig.fund([person], 100)
    key, before = person.new_key(), coins_of(rig, person)
    devices = [another(rig, person) for _ in range(50)]
    form = {"gift": "finger-heart", "quantity": "1", "key": str(key), "csrfmiddlewaretoken": person.token}
    rig.history.begin("gift", "R03", person.id, key, 5).end(Ended.OK)
    answers = await asyncio.gather(*(device.web.post("/@star1/gifts/", form) for device in devices))
    other = await person.web.post("/@star1/gifts/", form | {"quantity": "2"})
    close(devices)
    broken = []
    if before - coins_of(rig, person) != 5:
        broken.append(f"{before - coins_of(rig, person)} coins were spent for a gift of 5")
    if len({(answer.status, answer.location) for answer in answers}) != 1 or answers[0].status != 303:
        broken.append(f"{len({answer.location for answer in answers})} different answers to one key")
    if not 400 <= other.status < 500:
        broken.append(f"the key with another body was answered {other.status}")
    return Found(broken=broken, ops=50)


@drill("R05", "event, return page and both sweeps settle an order at one instant: it is credited once", ops=40)
async def all_settle_at_once(rig: Rig) -> Found:
    await tell_provider(rig.shop, "faults", webhooks="hold")
    pages: list[tuple[Person, str]] = []
    for person in rig.fans[:10]:
        for _ in range(4):
            if (await person.buy(100)).ended is Ended.OK:
                pages.append((person, person.sent_back_to))
    await tell_provider(rig.shop, "faults", webhooks="double")
    rig.shop.ask("UPDATE payments_order SET poll_at = now() WHERE poll_at IS NOT NULL")
    devices = [another(rig, person) for person, _ in pages]
    await asyncio.gather(
        *(device.come_back(path) for device, (_, path) in zip(devices, pages, strict=True)),
        *(device.come_back(path) for device, (_, path) in zip(devices, pages, strict=True)),
    )
    close(devices)
    return Found()


@drill("R07", "gifts from A to B and from B to A wait for nobody and never deadlock", ops=200)
async def opposite_gifts(rig: Rig) -> Found:
    first, second = rig.stars[:2]
    await rig.fund([first, second], 3000)
    devices = [[another(rig, person) for _ in range(4)] for person in (first, second)]
    before = _deadlocks(rig)
    one_way = opposite = 0
    for _ in range(3):  # in turns, so that a busy machine is unfair to both
        one_way += await _give_for(2, [(device, rig.stars[2].handle) for pair in devices for device in pair])
        both = [(device, second.handle) for device in devices[0]] + [(device, first.handle) for device in devices[1]]
        opposite += await _give_for(2, both)
    for pair in devices:
        close(pair)
    deadlocks = _deadlocks(rig) - before
    broken = [f"{deadlocks} deadlocks"] if deadlocks else []
    errors = [each for each in rig.history.of("R07") if each.ended is Ended.UNKNOWN]
    broken += [f"{len(errors)} gifts were not answered"] if errors else []
    late = [f"{opposite} gifts both ways in the time of {one_way} one way"] if opposite < one_way * 0.8 else []
    return Found(broken=broken, late=late)


async def _give_for(seconds: float, pairs: list[tuple[Person, str]]) -> int:
    until, sent = monotonic() + seconds, 0

    async def keep_giving(device: Person, to: str) -> None:
        nonlocal sent
        while monotonic() < until:
            sent += (await device.give(to)).ended is Ended.OK

    await asyncio.gather(*(keep_giving(device, to) for device, to in pairs))
    return sent


def _deadlocks(rig: Rig) -> int:
    return int(rig.shop.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0])


# Load ----------------------------------------------------------------------------------------------------------------

GIFTS_S, TOP_UPS_S, LOAD_S = 50, 2, 10
P95_S, CALM_SETTLE_S = 0.3, 1.0


@drill("L01", "steady load: no errors, p95 within 0.3 s, settled within 1 s", ops=300)
async def steady(rig: Rig) -> Found:
    await rig.fund(rig.fans[:8], 2000)
    since = checker.moment(rig.shop)
    await asyncio.gather(_at_a_rate(rig, GIFTS_S, _a_gift), _at_a_rate(rig, TOP_UPS_S, _a_top_up))
    heal_s = await rig.heal()
    done = rig.history.of("L01")[8:]
    gifts = [operation.took_s for operation in done if operation.kind == "gift"]
    errors = [operation for operation in done if operation.ended is not Ended.OK]
    settled = checker.settle_times(rig.shop, since)
    broken = [f"{len(errors)} of {len(done)} were not answered as they should"] if errors else []
    late = []
    if part_of(gifts, 0.95) > P95_S:
        late.append(f"p95 of a gift is {part_of(gifts, 0.95):.2f} s")
    if part_of(settled, 0.99) > CALM_SETTLE_S:
        late.append(f"settle p99 is {part_of(settled, 0.99):.2f} s without a fault")
    return Found(broken=broken, late=late, heal_s=heal_s, settled=settled)


async def _at_a_rate(rig: Rig, per_second: float, do: Callable[[Rig, Person], Coroutine[Any, Any, None]]) -> None:
    begun, running = monotonic(), list[asyncio.Task[None]]()
    for number in range(int(per_second * LOAD_S)):
        await asyncio.sleep(max(0.0, begun + number / per_second - monotonic()))
        running.append(asyncio.create_task(do(rig, rig.fans[number % 8])))
    await asyncio.gather(*running)


async def _a_gift(rig: Rig, person: Person) -> None:
    device = rig.spare.pop() if rig.spare else another(rig, person)
    device.id, device.token, device.web.cookies = person.id, person.token, person.web.cookies
    await device.give("star3")
    rig.spare.append(device)


async def _a_top_up(rig: Rig, person: Person) -> None:
    device = another(rig, person)
    await device.buy(100)
    close([device])


@drill("L03", "a storm of events is stored whole, and pages stay within twice their time", ops=400)
async def storm(rig: Rig) -> Found:
    calm = [await _page(rig) for _ in range(20)]
    events = [event_of(rig, "customer.created", {"object": "customer", "id": "cus_drill"}) for _ in range(400)]
    stormy: list[float] = []
    is_over = asyncio.Event()

    async def look() -> None:
        while not is_over.is_set():
            stormy.append(await _page(rig))
            await asyncio.sleep(0.2)

    looking = asyncio.create_task(look())
    begun, posting = monotonic(), []
    for number, event in enumerate(events):
        await asyncio.sleep(max(0.0, begun + number / 50 - monotonic()))  # 3,000 in a minute
        posting.append(asyncio.create_task(rig.deliver(event)))
    statuses = await asyncio.gather(*posting)
    is_over.set()
    await looking
    ids = [event["id"] for event in events]
    (stored,) = rig.shop.ask("SELECT count(*) FROM payments_stripeevent WHERE id = ANY(%s)", (ids,))[0]
    broken = []
    if stored != statuses.count(200) or statuses.count(200) != len(events):
        broken.append(f"{len(events)} events, {statuses.count(200)} acknowledged, {stored} stored")
    late = []
    if part_of(stormy, 0.95) > 2 * max(part_of(calm, 0.95), 0.05):
        late.append(f"pages took {part_of(stormy, 0.95):.2f} s instead of {part_of(calm, 0.95):.2f} s")
    return Found(broken=broken, late=late, ops=len(events))


async def _page(rig: Rig) -> float:
    begun = monotonic()
    try:
        await rig.fans[0].web.get("/gifts/")
    except Unanswered:
        return 10.0
    return monotonic() - begun
