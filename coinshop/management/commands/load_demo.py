from datetime import date
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from coinshop import roles
from coinshop.accounts.models import User
from gifts.models import Creator

PASSWORD = "coinshop-demo"  # noqa: S105  # known to everybody, so it exists in the embedded shop only

PEOPLE: list[dict[str, Any]] = [
    {"email": "fan@example.com", "handle": "fan", "country": "US"},
    {"email": "fan2@example.com", "handle": "fan2", "country": "DE"},
    {"email": "creator@example.com", "handle": "creator", "country": "US"},
    {"email": "pricing@example.com", "handle": "pricing", "country": "US", "role": roles.PRICING},
    {"email": "finance@example.com", "handle": "finance", "country": "US", "role": roles.FINANCE},
    {"email": "support@example.com", "handle": "support", "country": "US", "role": roles.SUPPORT},
    {"email": "admin@example.com", "handle": "admin", "country": "US", "is_superuser": True},
]


class Command(BaseCommand):
    help = "Adds what a shop begins with, and the people of the demo. Refuses outside the embedded shop."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_EMBEDDED:
            raise CommandError("demo people have a known password: they exist only in a shop started by `make run`")
        call_command("load_facts")
        roles.make()
        for facts in PEOPLE:
            self.add(**facts)
        Creator.objects.get_or_create(person=User.objects.get(handle="creator"), defaults={"name": "Marisol Vega"})

    def add(self, email: str, role: str = "", is_superuser: bool = False, **facts: Any) -> None:
        if User.objects.filter(email=email).exists():
            return
        person = User.objects.create_user(
            email,
            password=PASSWORD,
            birth_date=date(1995, 5, 20),
            is_staff=bool(role) or is_superuser,
            is_superuser=is_superuser,
            **facts,
        )
        EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
        if role:
            person.groups.add(Group.objects.get(name=role))
