"""The laws we begin with: what we believe on the day of writing. An operator has them checked, and adds dated rows."""

import csv
from pathlib import Path

from coinshop.accounts.models import CountryLaw

LAWS = Path(__file__).parent / "data" / "laws.csv"


def load() -> None:
    """Add the laws that are missing. What was changed since stays as it is."""
    with LAWS.open(newline="") as file:
        for row in csv.DictReader(file):
            where_and_when = {"country": row.pop("country"), "valid_from": row.pop("valid_from")}
            CountryLaw.objects.get_or_create(**where_and_when, defaults=row)
