"""Times are UTC inside and local outside: in the zone the browser named, or that of a country which has only one."""

import zoneinfo
from collections.abc import Callable
from functools import cache

from babel.core import get_global
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from coinshop.accounts.models import User


class LocalTimeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(_zone_of(request) or "UTC"):
            return self.get_response(request)


def _zone_of(request: HttpRequest) -> str:
    named = request.COOKIES.get(settings.TIME_ZONE_COOKIE, "")
    if named in _zones():
        return named
    country = request.user.country if isinstance(request.user, User) else ""
    return only_zone_of(country)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def only_zone_of(country: str) -> str:
    """The time zone of a country that has one; an empty string for the others."""
    zones = zones_of(country)
    return zones[0] if len(zones) == 1 else ""


@cache
def zones_of(country: str) -> list[str]:
    """All time zones of a country; none where we know none."""
    of_it = [zone for zone, territory in get_global("zone_territories").items() if territory == country]
    return [zone for zone in of_it if zone in _zones()]
