"""What the provider told us, kept before it is acted upon: unprocessed rows are the queue."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SWEEP_IS_FRESH = timedelta(seconds=15)  # it beats each half second: a long batch may keep it


class StripeEvent(models.Model):
    """A verified webhook event. Only `done` and `ignored` end it; `dead` waits for a person."""

    class State(models.TextChoices):
        RECEIVED = "received", _("to be worked on")
        DONE = "done", _("done")
        IGNORED = "ignored", _("not ours, or not of interest")
        DEAD = "dead", _("given up; drive it again")

    id = models.CharField(_("event"), max_length=255, primary_key=True)
    type = models.CharField(_("type"), max_length=100)
    api_version = models.CharField(_("API version"), max_length=40, blank=True)
    is_live = models.BooleanField(_("real money"))
    payload = models.JSONField(_("content"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RECEIVED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    remark = models.CharField(_("remark"), max_length=500, blank=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("Stripe event")
        verbose_name_plural = _("Stripe events")
        ordering = ["-received_at"]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="received"), name="events_to_work_on"),
            models.Index(fields=["received_at"], condition=models.Q(state="dead"), name="dead_events"),
            models.Index(fields=["received_at"], name="events_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Heartbeat(models.Model):
    """When a background process was last seen. Several of one name share the row."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
