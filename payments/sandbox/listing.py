"""Lists as Stripe serves them: newest first, a page at a time, with a cursor on either side."""

from __future__ import annotations

from typing import Any

from . import params
from .drawer import Call
from .errors import ApiError, missing_object
from .store import Condition, Object, kind_on

_RANGE = params.shape(gt=params.whole, gte=params.whole, lt=params.whole, lte=params.whole)
_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _limit(raw: Any, name: str) -> int:
    limit = params.whole(raw, name)
    if not 1 <= limit <= 100:
        raise ApiError("Invalid limit: must be between 1 and 100.", code="parameter_invalid_integer", param=name)
    return limit


def _created(raw: Any, name: str) -> list[Condition]:
    stamp = "json_extract(body, '$.created')"
    if isinstance(raw, str):
        return [(f"{stamp} = ?", [params.whole(raw, name)])]
    return [(f"{stamp} {_SIGNS[sign]} ?", [moment]) for sign, moment in _RANGE(raw, name).items()]


PARAMS: dict[str, params.Check] = {
    "limit": _limit,
    "starting_after": params.text,
    "ending_before": params.text,
    "created": _created,
}


def page(call: Call, kind: str, url: str, wanted: dict[str, Any], conditions: list[Condition]) -> Object:
    """One page of objects. ``ending_before`` looks towards the newer ones, and still shows newest first."""
    if "starting_after" in wanted and "ending_before" in wanted:
        raise ApiError("You may only specify one of these parameters: starting_after, ending_before.")
    kind, limit = kind_on(kind, call.account), wanted.get("limit", 10)
    looks_up = "ending_before" in wanted
    found = call.drawer.store.all(
        kind,
        *conditions,
        *wanted.get("created", []),
        *_cursor(call, kind, wanted),
        order="seq" if looks_up else "seq DESC",
        limit=limit + 1,
    )
    data = found[:limit]
    return as_list(data[::-1] if looks_up else data, url, has_more=len(found) > limit)


def _cursor(call: Call, kind: str, wanted: dict[str, Any]) -> list[Condition]:
    for name, sign in {"starting_after": "<", "ending_before": ">"}.items():
        if name in wanted:
            position = call.drawer.store.position(wanted[name], kind)
            if position is None:
                raise missing_object(kind.split(".")[-1], wanted[name], status=400, param=name)
            return [(f"seq {sign} ?", [position])]
    return []


def as_list(data: list[Object], url: str, *, has_more: bool = False) -> Object:
    """The envelope of a list."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
