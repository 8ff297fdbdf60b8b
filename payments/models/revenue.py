"""How revenue is recognised, as far as it was decided and may change; and what is still owed, day by day."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BreakageRate(models.Model):
    """A rate of coins never spent, and since when all revenue has been recognised at it. The newest is in use."""

    basis_points = models.PositiveIntegerField(_("basis points of sold coins"))
    applied_at = models.DateTimeField(_("applied"), default=timezone.now)

    class Meta:
        verbose_name = _("breakage rate")
        verbose_name_plural = _("breakage rates")
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.basis_points)

    @classmethod
    def in_use(cls) -> int:
        """The rate that was applied last, in basis points; a shop begins at 0."""
        newest = cls.objects.last()
        return newest.basis_points if newest else 0


class CoinsOwed(models.Model):
    """Whole coins that all people together held at the end of a day (UTC), or last when somebody looked on it."""

    day = models.DateField(_("day"), primary_key=True)
    bought = models.BigIntegerField(_("bought"))
    given = models.BigIntegerField(_("given"))

    class Meta:
        verbose_name = _("coins owed")
        verbose_name_plural = _("coins owed")
        ordering = ["day"]

    def __str__(self) -> str:
        return self.day.isoformat()
