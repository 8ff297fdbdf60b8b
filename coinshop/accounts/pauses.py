"""Who may not spend for the moment: a bank asks whether their payment was theirs."""

from django.utils import timezone
from django.utils.translation import gettext as _

from coinshop.accounts.models import SpendingPause, User


def pause(user_id: int, cause: str) -> None:
    """Let somebody spend nothing until this cause is over. Safe to repeat."""
    SpendingPause.objects.update_or_create(
        cause=cause, defaults={"ended_at": None}, create_defaults={"user_id": user_id}
    )


def resume(cause: str) -> None:
    """A cause is over. Others may still stand."""
    SpendingPause.objects.filter(cause=cause, ended_at=None).update(ended_at=timezone.now())


def is_paused(user: User) -> bool:
    return user.spending_pauses.filter(ended_at=None).exists()


def objection_to(user: User) -> str:
    """What to tell somebody who may not spend; empty for everybody else."""
    if not is_paused(user):
        return ""
    return _(
        "Your coins are on hold: your bank has asked us about one of your payments. Nothing is lost, and you can spend "
        "them again as soon as the question is answered. Please write to us if you did not expect this."
    )
