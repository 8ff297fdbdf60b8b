"""Where somebody lives decides their prices, their tax and their age, so it changes slowly and is written down."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coinshop.accounts.models import CountryLaw, ResidenceChange, User


class TooSoon(Exception):
    """Somebody moved not long ago. `args[0]` says from when they may say so again."""


def free_at(person: User) -> datetime:
    """From when somebody may say that they have moved again."""
    last = person.residence_changes.order_by("-at").first()
    return last.at + timedelta(days=settings.RESIDENCE_DAYS) if last else person.joined_at


def move(person: User, *, to: str, reason: str, note: str = "") -> ResidenceChange:
    """Write down that somebody lives elsewhere now, and why. Said again, it changes nothing.

    Raises TooSoon. A lock on the person lets one of two at once be the first.
    """
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=person.pk)
        last = person.residence_changes.order_by("-at").first()
        if last and person.country == to:
            return last
        if free_at(person) > timezone.now():
            moment = date_format(timezone.localtime(free_at(person)), "DATETIME_FORMAT")
            raise TooSoon(
                _("You changed it not long ago. You can do so again from %(moment)s on.") % {"moment": moment}
            )
        change = ResidenceChange.objects.create(person=person, was=person.country, became=to, reason=reason, note=note)
        person.country = to
        person.save(update_fields=["country"])
    return change


def told_of(country: str, person: User) -> list[str]:
    """What would be different for somebody who lives in a country, beyond its prices: the law's age."""
    law, age = CountryLaw.in_force(country), person.age_on(timezone.now().date())
    if law and age is not None and age < law.adult_age:
        told = _("Coins are for people of %(age)s and older there: you could not buy or send any until then.")
        return [told % {"age": law.adult_age}]
    return []
