from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from payments import breakage

HEADS = ["month", "money", "sold", "spent", "left", "left now", *(f"after {age} m." for age in breakage.AGES)]


class Command(BaseCommand):
    help = (
        "Prints what is left of the coins sold in each month, to choose BREAKAGE_BP by the shop's own history; "
        "- where some of them are younger. Changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        self._print(HEADS)
        for cohort in breakage.cohorts():
            shares = [_percent(cohort.left_bp(age, now)) for age in [None, *breakage.AGES]]
            counts = [str(count) for count in [cohort.sold, cohort.spent, cohort.left]]
            self._print([f"{cohort.month:%Y-%m}", cohort.currency, *counts, *shares])

    def _print(self, cells: list[str]) -> None:
        self.stdout.write(f"{cells[0]:8}{cells[1]:6}" + "".join(f"{cell:>14}" for cell in cells[2:]))


def _percent(basis_points: int | None) -> str:
    return "-" if basis_points is None else f"{basis_points // 100}.{basis_points % 100:02} %"
