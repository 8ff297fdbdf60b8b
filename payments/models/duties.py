"""What has to be done again and again, and how far it has come."""

from dataclasses import dataclass

from django.db import models
from django.utils import timezone


class Duty(models.Model):
    """One line of `duties.DUTIES`: when it is due, and up to where the provider's list was read."""

    name = models.CharField(max_length=40, primary_key=True)
    due_at = models.DateTimeField(default=timezone.now)
    place = models.CharField(max_length=255, blank=True)
    done_at = models.DateTimeField(null=True, help_text="when it last came to its end")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Progress:
    """How far a part of a duty came, and whether that was the end of it for this time."""

    place: str = ""
    is_over: bool = True
