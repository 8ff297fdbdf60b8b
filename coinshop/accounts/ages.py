"""May this person buy and send: the age that the law of their country asks for."""

from django.utils import timezone
from django.utils.translation import gettext as _

from coinshop.accounts.models import CountryLaw, User


def objection_to(person: User) -> str:
    """Why this person may not buy or send gifts, in their language and with what to do next; empty when they may."""
    law = CountryLaw.in_force(person.country)
    if law is None:
        return _("We do not know the law of your country yet, so we cannot sell coins there. Check your country in Me.")
    age = person.age_on(timezone.now().date())
    if age is None:
        return _("Tell us your date of birth first. You can do so in Me.")
    if age < law.adult_age:
        return _("Coins are for people of %(age)s and older in your country. Nothing was charged.") % {
            "age": law.adult_age
        }
    return ""
