"""The catalogue we begin with."""

import csv
from pathlib import Path

from django.utils.text import slugify

from gifts.models import Gift

CATALOGUE = Path(__file__).parent / "data" / "gifts.csv"


def load() -> None:
    """Add the gifts that are missing. What was changed since stays as it is."""
    with CATALOGUE.open(newline="") as file:
        for row in csv.DictReader(file):
            facts = {
                "name": row["name"],
                "coins": int(row["coins"]),
                "motion": row["motion"],
                "picture": row["picture"],
            }
            Gift.objects.get_or_create(slug=slugify(row["name"]), defaults=facts)
