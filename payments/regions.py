"""Which region's prices somebody sees: where they live, or where they seem to be, or what they chose."""

import math
import re
import time

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest

from coinshop.accounts.models import User
from payments.models import Region

SESSION_KEY = "region"
FALLBACK = "rest-of-the-world-usd"
UNKNOWN = {"XX", "T1"}  # what a proxy says of an address it cannot place, and of Tor


def region_of(request: HttpRequest) -> Region | None:
    """The region for this visit. None for somebody who lives where nothing is sold, and where no region is open.

    A customer's region is where they live. A visitor may choose; before that a trusted proxy's country header decides,
    then the countries in the browser's languages.
    """
    if isinstance(request.user, User) and request.user.country:
        return region_of_country(request.user.country)
    return chosen(request) or _guessed(request) or _named(FALLBACK) or next(iter(opened()), None)


def region_of_country(country: str) -> Region | None:
    return next((region for region in opened() if country in _codes(region)), None)


def country_in(region: Region, request: HttpRequest) -> str:
    """The country whose way of writing prices and whose tax a page of this region shows."""
    codes = _codes(region)
    if isinstance(request.user, User) and request.user.country in codes:
        return request.user.country
    hinted = [code for code in _hints(request) if code in codes]
    return (hinted or codes or [""])[0]


def elsewhere(request: HttpRequest) -> str:
    """The country that somebody who is signed in asks from, where that is not the one they live in; else nothing.

    Only a trusted proxy's word counts. A browser's languages say what people read, not where they are.
    """
    here = request.META.get(_header(), "").upper()
    lives_in = request.user.country if isinstance(request.user, User) else ""
    return here if lives_in and here != lives_in and re.fullmatch("[A-Z]{2}", here) and here not in UNKNOWN else ""


def choose(request: HttpRequest, slug: str) -> Region | None:
    """Remember a visitor's choice for this visit; None when there is no such open region."""
    region = _named(slug)
    if region:
        request.session[SESSION_KEY] = region.slug
    return region


def chosen(request: HttpRequest) -> Region | None:
    slug = request.session.get(SESSION_KEY)
    return _named(slug) if slug else None


def _guessed(request: HttpRequest) -> Region | None:
    for country in _hints(request):
        if region := region_of_country(country):
            return region
    return None


def _hints(request: HttpRequest) -> list[str]:
    """Countries in the order in which we believe them. The header is gone by now unless a trusted proxy sent it."""
    header = request.META.get(_header(), "")
    tags = [part.split(";")[0].strip() for part in request.headers.get("Accept-Language", "")[:200].split(",")]
    spoken = [tag.rsplit("-", 1)[-1].upper() for tag in tags if "-" in tag]
    return [header.upper(), *[code for code in spoken if len(code) == 2]]


def _header() -> str:
    return "HTTP_" + settings.COUNTRY_HEADER.upper().replace("-", "_")


_remembered: tuple[float, list[Region]] = (-math.inf, [])


def opened() -> list[Region]:
    """The regions that sell something, by name. Each process remembers them for some seconds: each page asks twice."""
    global _remembered  # one assignment, so threads that ask at once see the old list or the new one
    asked_at, known = _remembered
    if asked_at + settings.WINDOW_SECONDS <= time.monotonic():
        known = [*_open()]
        _remembered = (time.monotonic(), known)
    return known


def _open() -> QuerySet[Region]:
    return Region.objects.filter(is_open=True).prefetch_related("countries")


def _named(slug: str) -> Region | None:
    return next((region for region in opened() if region.slug == slug), None)


def _codes(region: Region) -> list[str]:
    return [country.code for country in region.countries.all()]
