"""The same movement through django-hordak, in a Python and a database of its own.

It is treated kindly: its accounts are in memory already, and nobody asks whether the payer has enough.
"""

import os
from functools import cache
from typing import Any

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "mptt", "hordak"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["HORDAK_HOST"],
            "USER": os.environ["HORDAK_USER"],
            "NAME": os.environ["HORDAK_NAME"],
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DEFAULT_CURRENCY="EUR",
    CURRENCIES=["EUR"],
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402 - there are no models before setup
from django.db import transaction  # noqa: E402
from hordak.models import Account  # type: ignore[import-not-found] # noqa: E402
from moneyed import EUR, Money  # type: ignore[import-not-found] # noqa: E402

PEOPLE = 500  # each of fans and creators; making one takes hordak some milliseconds


def prepare() -> None:
    """Make its tables, and an account for everybody."""
    call_command("migrate", verbosity=0)
    for n in range(2 * PEOPLE):
        Account.objects.create(name=str(n), type="LI", code=str(n), currencies=["EUR"])


@cache
def _people() -> list[Any]:
    return list(Account.objects.order_by("pk"))


def give(fan: int, creator: int) -> None:
    """Move from one of the fans to one of the creators."""
    people = _people()
    with transaction.atomic():
        people[fan % PEOPLE].transfer_to(people[PEOPLE + creator % PEOPLE], Money(2, EUR))


if __name__ == "__main__":
    prepare()
