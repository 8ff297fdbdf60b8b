"""Orders that somebody has to look at: because a fan says so, or because their coins did not come."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.orders import Order


class Case(models.Model):
    """A question about an order, and its answer. The tracker opens one by itself when coins are late, once an order."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("answered")

    order = models.ForeignKey(Order, models.PROTECT, related_name="cases", verbose_name=_("order"))
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="cases",
        verbose_name=_("opened by"),
        help_text=_("none: the tracker itself"),
    )
    why = models.TextField(_("what is wrong"))
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.OPEN)
    reply = models.TextField(_("answer"), blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("closed by"),
        help_text=_("none: the coins came"),
    )

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(opened_by=None), name="the_tracker_opens_one_case_an_order"
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(opened_by__isnull=False, state="open"), name="one_open_question_an_order"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None, closed_by=None, reply="")
                | Q(state="closed", closed_at__isnull=False) & ~Q(reply=""),
                name="closed_cases_have_an_answer",
            ),
        ]
        indexes = [models.Index(fields=["opened_at"], condition=Q(state="open"), name="open_cases")]

    def __str__(self) -> str:
        return str(_("Case %(number)s") % {"number": self.pk})

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN
