"""Who tries codes that do not exist, again and again, waits: a code is worth money to whoever finds it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from coinshop.accounts.models import User
from payments.models import CodeGuess

Found = TypeVar("Found")

WITHIN = timedelta(hours=1)
MOST_BY_PERSON = 10
MOST_FROM_NETWORK = 50  # a household, a café, or all customers of a mobile network


class TooManyGuesses(Exception):
    """Too many codes that do not exist were tried. `args[0]` is the moment from which one may try again."""


def look_up(find: Callable[[], Found | None], *, person: User, network: str) -> Found | None:
    """Look for a code on behalf of a person, one at a time, and count it against them when there is no such code.

    `network` is its mark. Raises TooManyGuesses, without looking.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        _refuse_a_search(person, network)
        found = find()
        if found is None:
            CodeGuess.objects.create(person=person, network_mark=network)
    return found


def forget_old() -> None:
    CodeGuess.objects.filter(at__lt=timezone.now() - WITHIN).delete()


def _refuse_a_search(person: User, network: str) -> None:
    lately = CodeGuess.objects.filter(at__gt=timezone.now() - WITHIN)
    ends = [_free_at(lately.filter(person=person), MOST_BY_PERSON)]
    if network:
        ends.append(_free_at(lately.filter(network_mark=network), MOST_FROM_NETWORK))
    if waits := [end for end in ends if end]:
        raise TooManyGuesses(max(waits))


def _free_at(guesses: QuerySet[CodeGuess], most: int) -> datetime | None:
    """When the oldest of the newest so many is forgotten; None while there are fewer."""
    newest = [*guesses.order_by("-at").values_list("at", flat=True)[:most]]
    return newest[-1] + WITHIN if len(newest) == most else None
