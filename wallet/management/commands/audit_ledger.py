from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand

from wallet import audit

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Checks that every balance equals its transfers, and every transfer its fact; exits 1 and names what differs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(islice(audit.findings(), SHOWN + 1))
        for finding in found[:SHOWN]:
            self.stderr.write(finding)
        if found:
            self.stderr.write(f"{min(len(found), SHOWN)}{'+' if len(found) > SHOWN else ''} findings")
            raise SystemExit(1)
        self.stdout.write("0 findings: the books are exact")
