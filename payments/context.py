"""The region in the foot of every page, found once and only by pages that show it."""

from functools import cache
from typing import Any

from django.http import HttpRequest

from payments import regions


def region(request: HttpRequest) -> dict[str, Any]:
    return {"region": cache(lambda: regions.region_of(request))}
