"""Is it ours? What somebody pastes from a page or a message they doubt: an address, an order number, or a name."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from gifts.models import Creator
from payments.models import Order
from payments.models.orders import READABLE

NUMBER = re.compile(f"[{READABLE}]{{4}}-?[{READABLE}]{{4}}")
MOST_TYPED = 300


@dataclass(frozen=True)
class Answer:
    """What we know of it. `order` is for its buyer only."""

    is_ours: bool
    title: str
    advice: str
    order: Order | None = None


def look_up(text: str, *, by: User | None) -> Answer:
    """Tell what a text names, and whether that is ours; nothing about anybody that they did not put up themselves."""
    text = text.strip().replace("\0", "")
    if NUMBER.fullmatch(text.upper()):
        return _order(text.upper(), by)
    if ("." in text and not text.startswith("@")) or "/" in text:
        return _address(text)
    return _name(text.lstrip("@").lower())


def _address(text: str) -> Answer:
    host = host_of(text)
    if host and is_ours(host):
        return Answer(
            True,
            _("%(host)s is ours") % {"host": host},
            _("Before you pay, look at the address at the top of your browser: it has to be exactly this one."),
        )
    return Answer(
        False,
        _("%(host)s is not ours") % {"host": host or text[:60]},
        _("Do not sign in there and do not pay. If you did, change your password here and call your bank."),
    )


def host_of(text: str) -> str:
    """The host that an address really leads to, in the letters of the wire: nothing before an @ counts."""
    try:
        host = urlsplit(text if "://" in text else f"https://{text}").hostname or ""
        return host.encode("idna").decode().rstrip(".")
    except ValueError:
        return ""


def is_ours(host: str) -> bool:
    """Is it one of the hosts that this shop answers to? A shop that answers to every name vouches for none."""
    return validate_host(host.lower(), [allowed for allowed in settings.ALLOWED_HOSTS if allowed != "*"])


def _order(number: str, by: User | None) -> Answer:
    number = number if "-" in number else f"{number[:4]}-{number[4:]}"
    order = Order.objects.filter(number=number).first()
    if order is None:
        return Answer(
            False,
            _("We have no order %(number)s") % {"number": number},
            _("Whoever names it to you has it from somewhere else. Pay nothing for it, and tell nobody a code."),
        )
    month = date_format(order.created_at, "YEAR_MONTH_FORMAT")
    return Answer(
        True,
        _("Order %(number)s is one of ours, of %(month)s") % {"number": number, "month": month},
        _("That says not whose it is. Only its buyer can open it, after signing in."),
        order if by is not None and order.buyer_id == by.pk else None,
    )


def _name(handle: str) -> Answer:
    person = User.objects.filter(handle=handle, is_active=True).first()
    if person is None:
        return Answer(
            False,
            _("Nobody here is called @%(handle)s") % {"handle": handle[:30]},
            _("Look at each letter: false names differ in one. Send nothing to it."),
        )
    named = {"handle": person.handle}
    if Creator.objects.filter(pk=person.pk).exists():
        return Answer(
            True,
            _("@%(handle)s is a creator here") % named,
            _("Gifts go from their page in this shop, and nowhere else. They will never ask you for a code."),
        )
    return Answer(
        True,
        _("@%(handle)s has an account here") % named,
        _("That says not who it is. Nobody of ours asks for a password, a code, or coins."),
    )
