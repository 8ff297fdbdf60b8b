"""What is to leave us, kept before it is sent: rows that wait are the queue."""

import uuid
from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# The provider remembers an Idempotency-Key for at least 24 hours. https://docs.stripe.com/api/idempotent_requests
KEY_IS_REMEMBERED = timedelta(hours=23)


class Outgoing(models.Model):
    """One thing to ask of somebody outside, written in the transaction of its cause. `dead` waits for a person."""

    class State(models.TextChoices):
        WAITING = "waiting", _("to be sent")
        DONE = "done", _("done")
        DEAD = "dead", _("given up; drive it again")

    kind = models.CharField(_("kind"), max_length=20, help_text="a name in outgoing.SENDERS")
    subject = models.CharField(_("about"), max_length=64, help_text="the id of the row that it is about")
    key = models.UUIDField(_("idempotency key"), unique=True, default=uuid.uuid4, editable=False)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    remark = models.CharField(_("remark"), max_length=500, blank=True)
    written_at = models.DateTimeField(_("written"), default=timezone.now)
    first_tried_at = models.DateTimeField(_("first tried"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("outgoing request")
        verbose_name_plural = _("outgoing requests")
        ordering = ["-written_at"]
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="each_thing_leaves_once")]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="outgoing_to_send")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    @property
    def look_first(self) -> bool:
        """Was this tried so long ago that its key may be forgotten? Then sending blindly could do it twice."""
        return self.first_tried_at is not None and timezone.now() - self.first_tried_at > KEY_IS_REMEMBERED
