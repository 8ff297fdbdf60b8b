"""The region in the foot of every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from payments import regions


def region(request: HttpRequest) -> dict[str, Any]:
    return {"region": SimpleLazyObject(lambda: regions.region_of(request))}
