"""What we write to people about orders and prices: once each, in their language, with times where they live."""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from coinshop.timezones import only_zone_of
from payments import tracker
from payments.models import Case, Order, Outgoing, PriceChange, Withdrawal
from payments.window import show


def send_receipt(row: Outgoing) -> str:
    """The receipt of an order, to who paid for it."""
    order = Order.objects.select_related("buyer", "recipient", "price_list").get(pk=row.subject)
    with at_home(order.buyer):
        story = tracker.story_of(order)
        _send(row, order.buyer, _("Receipt %(number)s") % {"number": order}, "receipt", story)
    return ""


def send_answer(row: Outgoing) -> str:
    """What somebody answered to a question about an order, to who asked."""
    case = Case.objects.select_related("order", "opened_by").get(pk=row.subject)
    if case.opened_by is None:
        return "nobody asked"
    with at_home(case.opened_by):
        subject = _("About your order %(number)s") % {"number": case.order}
        _send(row, case.opened_by, subject, "answer", {"case": case, "order": case.order})
    return ""


def send_withdrawal(row: Outgoing) -> str:
    """That somebody withdrew, from what and when: the confirmation that the law asks for, on a durable medium."""
    withdrawal = Withdrawal.objects.select_related("order", "refund", "declared_by").get(pk=row.subject)
    order, person = withdrawal.order, withdrawal.declared_by
    with at_home(person):
        price = show(withdrawal.refund.amount_minor, order.currency, order.country)
        told = {"withdrawal": withdrawal, "order": order, "price": price}
        _send(row, person, _("Your withdrawal from order %(number)s") % {"number": order}, "withdrawal", told)
    return ""


def send_held_back(row: Outgoing) -> str:
    """That prices did not go live at their moment, and why, to one of those who made or approved them."""
    change_id, person_id = row.subject.split(":")
    change = PriceChange.objects.select_related("revision").get(pk=change_id)
    person = User.objects.get(pk=person_id)
    with at_home(person):
        subject = _("“%(name)s” did not go live") % {"name": change.revision}
        told = {"revision": change.revision, "checks": change.after["checks"]}
        _send(row, person, subject, "held_back", told)
    return ""


@contextmanager
def at_home(person: User) -> Iterator[None]:
    """Somebody's own language, and the time on their wall where their country has only one."""
    zone = zoneinfo.ZoneInfo(only_zone_of(person.country) or "UTC")
    with translation.override(person.language), timezone.override(zone):
        yield


def _send(row: Outgoing, person: User, subject: str, template: str, context: dict[str, object]) -> None:
    """Plain text and simple HTML. Sent again after a lost answer it has the same name, so that mailers show it once."""
    told = context | {
        "shop_name": settings.SHOP_NAME,
        "person": person,
        "zone": timezone.get_current_timezone_name(),
        "is_right_to_left": translation.get_language_bidi(),
    }
    mail = EmailMultiAlternatives(
        f"{settings.SHOP_NAME}: {subject}",
        render_to_string(f"payments/mail/{template}.txt", told),
        to=[person.email],
        headers={"Message-ID": f"<{row.key}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].strip('> ')}>"},
    )
    mail.attach_alternative(render_to_string(f"payments/mail/{template}.html", told), "text/html")
    mail.send()
