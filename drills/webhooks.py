"""W: what arrives at the webhook and in the forms, and should not."""

import itertools
import json
import time
from collections.abc import Callable
from random import Random
from typing import Any

from drills import checker
from drills.clients import hidden
from drills.http import Connection, Unanswered
from drills.nemesis import tell_provider
from drills.rig import Found, Rig, drill
from drills.under_load import event_of

Event = dict[str, Any]
BODIES = 2_000


@drill("W01", "only what is signed now, as it is, with our secret is stored", ops=8)
async def signature(rig: Rig) -> Found:
    event = event_of(rig, "customer.created", {"object": "customer", "id": "cus_drill"})
    body = json.dumps(event).encode()
    now, good = int(time.time()), rig.signature(body)
    right = good.split(",")[1]
    wrong = f"v1={'0' * 64}"
    attempts = {
        "no header": (body, "", 400),
        "another secret": (body, rig.signature(body, secret="whsec_other"), 400),  # noqa: S106
        "one byte changed": (body.replace(b"cus_drill", b"cus_drilL"), good, 400),
        "written again": (json.dumps(event, indent=1).encode(), good, 400),
        "301 seconds old": (body, rig.signature(body, at=now - 301), 400),
        "scheme v0 only": (body, rig.signature(body, scheme="v0"), 400),
        "two signatures, both wrong": (body, f"t={now},{wrong},{wrong}", 400),
    }
    answers = {what: await rig.deliver(sent, header=header) for what, (sent, header, _) in attempts.items()}
    stored = rig.shop.ask("SELECT id FROM payments_stripeevent WHERE id = %s", (event["id"],))
    broken = [f"{what}: {answers[what]}" for what, (*_, due) in attempts.items() if answers[what] != due]
    broken += ["a row was stored before any signature was right"] if stored else []
    if await rig.deliver(body, header=f"{good.split(',')[0]},{wrong},{right}") != 200:
        broken.append("two signatures, one right: refused")
    return Found(broken=broken, ops=len(attempts) + 1)


@drill("W02", "the order of events changes nothing: all 24 end the same", ops=24)
async def order_of_events(rig: Rig) -> Found:
    await tell_provider(rig.shop, "faults", webhooks="drop")
    stories = list(itertools.permutations(range(4)))
    orders = [await _whole_story(rig) for _ in stories]
    await tell_provider(rig.shop, "faults", webhooks="steady")
    for events, order in zip(orders, stories, strict=True):
        for place in order:
            await rig.deliver(events[place])
    await rig.heal()
    ids = [events[1]["data"]["object"]["id"] for events in orders]
    ends = rig.shop.ask(
        """SELECT o.state, o.coins, array_agg(DISTINCT r.status), array_agg(DISTINCT d.status),
                  (SELECT sum(CASE WHEN kind IN (9, 10) THEN debit_amount END) FROM wallet_transfer
                    WHERE cause = 'order:' || o.id)
             FROM payments_order o LEFT JOIN payments_refund r ON r.order_id = o.id
             LEFT JOIN payments_payment p ON p.order_id = o.id LEFT JOIN payments_dispute d ON d.payment_id = p.id
            WHERE o.session_id = ANY(%s) GROUP BY o.id""",
        (ids,),
    )
    different = {str(end) for end in ends}
    broken = [] if len(ends) == 24 and len(different) == 1 else [f"{len(ends)} stories end in {different}"]
    return Found(broken=broken, ops=24)


async def _whole_story(rig: Rig) -> list[Event]:
    """Buy, get a part back, and be disputed about the rest: the four events that tell of it, none delivered."""
    person = rig.fans[1]
    operation = await person.buy(200)
    (session,) = rig.shop.ask("SELECT session_id FROM payments_order WHERE form_key = %s", (str(operation.key),))[0]
    intent, charge, amount = checker.provider(
        rig.shop,
        f"""SELECT json_extract(c.body, '$.payment_intent'), c.id, json_extract(c.body, '$.amount') FROM objects c
             WHERE c.kind = 'charge' AND json_extract(c.body, '$.payment_intent') =
                   (SELECT json_extract(body, '$.payment_intent') FROM objects WHERE id = '{session}')""",
    )[0]
    api = Connection(rig.shop.sandbox_port)
    key = {"Authorization": f"Bearer {rig.shop.told['STRIPE_API_KEY']}"}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    await api.send("POST", "/v1/refunds", f"payment_intent={intent}&amount={int(amount) // 2}".encode(), key | kind)
    await tell_provider(rig.shop, "disputes", charge=charge, amount=str(int(amount) // 4))
    listed = json.loads((await api.send("GET", "/v1/events?limit=30", headers=key)).body)["data"]
    api.close()
    return [_first(listed, kind, (session, intent, charge)) for kind in KINDS]


KINDS = ["payment_intent.created", "checkout.session.completed", "charge.refunded", "charge.dispute.created"]


def _first(events: list[Event], kind: str, about: tuple[str, ...]) -> Event:
    for event in events:
        thing = event["data"]["object"]
        if event["type"] == kind and {thing.get("id"), thing.get("payment_intent"), thing.get("charge")} & set(about):
            return event
    raise LookupError(kind)


@drill("W05", "2,000 malformed bodies: refused each, no error of ours, no row, no memory kept", ops=BODIES)
async def malformed(rig: Rig) -> Found:
    before, memory = _rows(rig), _memory(rig)
    good = json.dumps(event_of(rig, "customer.created", {"object": "customer", "id": "cus_bad"})).encode()
    dice = Random(rig.seed)
    statuses = []
    for _ in range(BODIES):
        statuses.append(await rig.deliver(_spoiled(good, dice)))
    wrong = [status for status in statuses if not 400 <= status < 500]
    broken = [f"{len(wrong)} were answered {sorted(set(wrong))}"] if wrong else []
    if _rows(rig) != before:
        broken.append(f"{_rows(rig) - before} rows were stored")
    if _memory(rig) > memory + 100_000:
        broken.append(f"the web servers grew by {(_memory(rig) - memory) // 1000} MB")
    return Found(broken=broken, ops=len(statuses))


def _spoiled(good: bytes, dice: Random) -> bytes:
    """One of the ways in which a body is no event; signed as it is."""
    ways: list[Callable[[], bytes]] = [
        lambda: good[: dice.randrange(len(good))],
        lambda: b"[" * 10_000 + b"]" * 10_000,
        lambda: b'{"object": "event", "id": 5, "id": 6, "type": "x", "data": {"object": {}}}',
        lambda: good.replace(b"false", b"NaN"),
        lambda: good.replace(b"false", b"1e999"),
        lambda: good.replace(b"cus_bad", b"cus\\u0000"),
        lambda: good.replace(b"cus_bad", b"cus\\ud800"),
        lambda: good + b" " * 300_000,
        lambda: b"null",
        lambda: bytes(dice.randrange(256) for _ in range(200)),
    ]
    return dice.choice(ways)()


def _rows(rig: Rig) -> int:
    return int(rig.shop.ask("SELECT count(*) FROM payments_stripeevent")[0][0])


def _memory(rig: Rig) -> int:
    """What the web servers hold, in kB."""
    total = 0
    for name in ("web", "web-2"):
        with open(f"/proc/{rig.shop.pid(name)}/status") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return total


AMOUNTS = ["-1", "0", "0.1", "1e18", str(2**63), "1e3", "１００", "[]", "", "NaN", "0x10"]


@drill("W07", "amounts that are none are refused, and each currency is charged in its own minor units", ops=20)
async def amounts(rig: Rig) -> Found:
    person, broken = rig.fans[2], []
    before = _value_rows(rig)
    statuses = {}
    for amount in AMOUNTS:
        form = {"csrfmiddlewaretoken": person.token, "gift": "rose", "quantity": amount, "key": str(person.new_key())}
        statuses[f"gift × {amount!r}"] = (await person.web.post("/@star0/gifts/", form)).status
        order = {"package": "custom", "amount": amount, "seen_minor": "1", "key": str(person.new_key())}
        form = {"csrfmiddlewaretoken": person.token, **order}
        statuses[f"order of {amount!r}"] = (await person.web.post("/orders/", form)).status
    broken += [f"{what}: {status}" for what, status in statuses.items() if not 400 <= status < 500]
    if _value_rows(rig) != before:
        broken.append("an order or a gift was made of it")
    for handle in ("yen", "won", "dong"):
        broken += await _charged_as_shown(rig, handle)
    return Found(broken=broken, ops=len(statuses) + 3)


def _value_rows(rig: Rig) -> tuple[int, ...]:
    return rig.shop.ask("SELECT (SELECT count(*) FROM payments_order), (SELECT count(*) FROM gifts_sentgift)")[0]


async def _charged_as_shown(rig: Rig, handle: str) -> list[str]:
    """What the provider took of somebody abroad is what the summary said, in the currency's own minor units."""
    person = rig.others[handle]
    try:
        shown = hidden(await person.web.get("/summary/?package=custom&amount=500"))
    except Unanswered as problem:
        return [f"{handle}: {problem}"]
    operation = await person.buy(500)
    found = rig.shop.ask(
        "SELECT session_id, price_minor, currency FROM payments_order WHERE form_key = %s", (str(operation.key),)
    )
    if not found:
        return [f"{handle}: no order was made"]
    session, price, currency = found[0]
    taken = checker.provider(
        rig.shop,
        f"""SELECT json_extract(body, '$.amount_total'), json_extract(body, '$.currency') FROM objects
             WHERE id = '{session}'""",
    )[0]
    is_same = (str(price), currency) == (shown.get("seen_minor"), str(taken[1]).upper()) and int(taken[0]) == price
    return [] if is_same else [f"{handle}: {shown.get('seen_minor')} shown, {price} {currency} ordered, {taken} taken"]
