"""How long paid orders waited for their coins."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from payments.console_home.words import clock, locale, midnight, span

IN_TIME = timedelta(seconds=10)  # from paid to delivered, when all is well
GRACE = timedelta(minutes=1)  # so long may an order wait for its coins before that is told
DAY, HALF_HOUR = timedelta(days=1), timedelta(minutes=30)
HALF_HOURS = 48


@dataclass(frozen=True)
class Slot:
    """A half hour of today as the strip draws it: of what was paid, the shorter the worse."""

    state: str
    x: str
    width: str
    y: int
    height: int


@dataclass(frozen=True)
class Mark:
    """A time of day below the strip."""

    x: str
    name: str


@dataclass(frozen=True)
class Run:
    """Half hours in a row of which the same is to be said."""

    state: str
    words: str
    since: str
    until: str


@dataclass(frozen=True)
class Delivery:
    """How long paid orders waited for their coins: the last day's, and today half hour by half hour."""

    median: str
    in_time: str
    slots: list[Slot]
    marks: list[Mark]
    legend: list[tuple[str, str]]
    runs: list[Run]

    @property
    def troubles(self) -> list[Run]:
        return [run for run in self.runs if run.state in ("warn", "bad")]


# An order counts as paid when the provider says it was: by its event, however late that came. Where there is none, from
# the moment on when we wrote its money down.
_PAID = """
    WITH told AS (
        SELECT payload #>> '{data,object,id}' AS session_id, to_timestamp(min((payload ->> 'created')::bigint)) AS at
          FROM payments_stripeevent
         WHERE received_at >= %(since)s AND payload #>> '{data,object,payment_status}' = 'paid'
           AND type IN ('checkout.session.completed', 'checkout.session.async_payment_succeeded')
         GROUP BY 1
    ), paid AS (
        SELECT p.order_id, least(p.recorded_at, told.at) AS at, o.settled_at
          FROM payments_payment p JOIN payments_order o ON o.id = p.order_id
          LEFT JOIN told ON told.session_id = p.session_id
         WHERE p.recorded_at >= %(since)s AND NOT p.is_surplus
           AND (p.disagreement = '' OR p.decision IN ('', 'delivered'))
    ), timed AS (
        SELECT floor(extract(epoch FROM at - %(today)s) / 1800)::int AS half_hour, order_id,
               extract(epoch FROM settled_at - at)::float AS took_s, settled_at IS NULL AND at < %(late)s AS is_missing
          FROM paid
    )
    SELECT half_hour, percentile_cont(0.5) WITHIN GROUP (ORDER BY took_s) AS median_s,
           count(DISTINCT order_id) FILTER (WHERE took_s <= %(in_time_s)s) AS in_time,
           count(DISTINCT order_id) FILTER (WHERE took_s > %(in_time_s)s) AS healed,
           count(DISTINCT order_id) FILTER (WHERE is_missing) AS missing
      FROM timed GROUP BY GROUPING SETS ((half_hour), ())
"""

STATES = {
    "good": gettext_noop("Delivered within 10 seconds"),
    "warn": gettext_noop("Late, but delivered"),
    "bad": gettext_noop("Paid, but not delivered"),
    "rest": gettext_noop("Nothing paid"),
}
HEIGHTS = {"good": 32, "warn": 22, "bad": 12, "rest": 3}


def delivery(now: datetime) -> Delivery:
    """The last day's, and today half hour by half hour."""
    today = midnight(timezone.localtime(now))
    asked: dict[str, Any] = {
        "since": min(now - DAY, today),
        "today": today,
        "late": now - GRACE,
        "in_time_s": IN_TIME.total_seconds(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAID, asked)
        found = {half_hour: facts for half_hour, *facts in cursor.fetchall()}
    median_s, in_time, healed, missing = found.pop(None, (None, 0, 0, 0))
    all_paid = in_time + healed + missing
    states = _states({_place(today, nth): _state(*facts) for nth, facts in found.items() if nth >= 0})
    return Delivery(
        median="" if median_s is None else span(median_s),
        in_time=format_decimal(Decimal(in_time * 10_000 // all_paid).scaleb(-2), locale=locale()) if all_paid else "",
        slots=_slots(states),
        marks=[Mark(f"{nth * 100 / HALF_HOURS:.2f}%", clock(nth)) for nth in (6, 18, 30, 42)],
        legend=[(state, gettext(words)) for state, words in STATES.items()],
        runs=_runs(states),
    )


def _place(today: datetime, half_hours: int) -> int:
    """Where on the clock a half hour stands that begins so long after midnight: a day may have 23 or 25 hours."""
    local = timezone.localtime(today.astimezone(UTC) + half_hours * HALF_HOUR)
    return local.hour * 2 + local.minute // 30


def _state(_median_s: float | None, in_time: int, healed: int, missing: int) -> str:
    return "bad" if missing else "warn" if healed else "good" if in_time else "rest"


def _states(known: dict[int, str]) -> list[str]:
    return [known.get(nth, "rest") for nth in range(HALF_HOURS)]


def _slots(states: list[str]) -> list[Slot]:
    share = 100 / HALF_HOURS
    return [
        Slot(state, f"{nth * share:.2f}%", f"{share * 0.74:.2f}%", 32 - HEIGHTS[state], HEIGHTS[state])
        for nth, state in enumerate(states)
    ]


def _runs(states: list[str]) -> list[Run]:
    begins = [nth for nth, state in enumerate(states) if nth == 0 or states[nth - 1] != state]
    return [
        Run(states[begin], gettext(STATES[states[begin]]), clock(begin), clock(end))
        for begin, end in zip(begins, [*begins[1:], HALF_HOURS], strict=True)
    ]
