from typing import Any

from django.core.management.base import BaseCommand

import gifts.facts
import payments.facts
from coinshop.accounts import facts


class Command(BaseCommand):
    help = "Adds the countries' laws, regions with their price lists, and the gift catalogue that a shop begins with."

    def handle(self, *args: Any, **options: Any) -> None:
        facts.load()
        payments.facts.load()
        gifts.facts.load()
