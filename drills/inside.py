"""What the drills do inside of the shop, with its own verbs: people who can be signed in at once, and refunds.

python -m drills.inside people N           N fans and a few creators, with a session each, as JSON
python -m drills.inside refunds ORDER …    give the money of these orders back, as finance would
python -m drills.inside tick               have every job of beat's schedule run twice at once
"""

import json
import os
import sys
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coinshop.settings")
django.setup()

from celery import signature  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402

from coinshop.accounts.models import User  # noqa: E402
from gifts.models import Creator  # noqa: E402
from payments import refunds  # noqa: E402
from payments.models import Order, Payment, Refund  # noqa: E402

CREATORS = 4
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
OTHERS = {"yen": "JP", "won": "KR", "dong": "VN", "spender": "US"}


def people(count: str) -> list[dict[str, Any]]:
    """Fans and creators, who may give too. Signing in takes a second of hashing, so the sessions are made here."""
    names = [f"drill{n}" for n in range(int(count))]
    fans = [_person(name, "US") for name in names] + [_person(name, country) for name, country in OTHERS.items()]
    creators = [_person(f"star{n}", "US") for n in range(CREATORS)]
    for creator in creators:
        Creator.objects.get_or_create(person=creator, defaults={"name": creator.handle.title()})
    return [_signed_in(person, is_creator=person in creators) for person in [*fans, *creators]]


def _person(handle: str, country: str) -> User:
    known = User.objects.filter(handle=handle).first()
    facts: dict[str, Any] = {"country": country, "birth_date": date(1990, 5, 20)}
    return known or User.objects.create_user(f"{handle}@example.com", handle, **facts)


def _signed_in(person: User, *, is_creator: bool) -> dict[str, Any]:
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(person.pk), BACKEND
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return {"id": person.pk, "handle": person.handle, "session": session.session_key, "is_creator": is_creator}


def refunds_of(*orders: str) -> list[int]:
    """The outgoing requests are written; sending them is the shop's business."""
    given = []
    for payment in Payment.objects.filter(order__in=Order.objects.filter(pk__in=orders)):
        refund = refunds.ask(
            payment,
            payment.amount_minor,
            reason=Refund.Reason.DUPLICATE,
            by=None,
            key=uuid.uuid5(uuid.NAMESPACE_OID, payment.intent_id),
        )
        given.append(refund.pk)
    return given


def tick() -> list[str]:
    """What two beats would do."""
    names = [job["task"] for job in settings.CELERY_BEAT_SCHEDULE.values()]
    for name in names * 2:
        signature(name).apply_async()
    return names


if __name__ == "__main__":
    verbs: dict[str, Callable[..., Any]] = {"people": people, "refunds": refunds_of, "tick": tick}
    print(json.dumps(verbs[sys.argv[1]](*sys.argv[2:])))  # noqa: T201
