"""What the webhook missed while it was away: read from the provider's own list of events, into the same inbox."""

import logging
from datetime import timedelta
from itertools import islice

from django.utils import timezone

from payments import events, gateway, inbox
from payments.models.duties import Progress

log = logging.getLogger(__name__)

AT_ONCE = 300  # events, so that orders which wait for the same sweep need not wait long
STILL_TRIED = timedelta(days=3)  # for so long the provider tries to deliver an event


def read_events(place: str) -> Progress:
    """Store the events after `place`, the id of one; without it all there are. What we have is not stored again.

    The list is in the order of creation and what is undelivered is asked for besides, so that an event which entered
    the list late, behind the place, is not passed over. Raises gateway.ProviderAway.
    """
    try:
        return _read_events(place)
    except gateway.ProviderRefused:
        if not place:
            raise
        log.warning("the provider has forgotten event %s: reading all that it keeps", place)
        return Progress("", is_over=False)


def _read_events(place: str) -> Progress:
    count = 0
    for event in islice(gateway.events_after(place, events.MATTERS), AT_ONCE):
        inbox.store(event)
        place, count = event["id"], count + 1
    if count == AT_ONCE:
        return Progress(place, is_over=False)
    for event in gateway.undelivered_events(events.MATTERS, since=timezone.now() - STILL_TRIED):
        inbox.store(event)
    return Progress(place)
