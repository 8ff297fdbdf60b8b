"""A buyer withdraws from the contract about coins that were not spent."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.orders import Order
from payments.models.reversals import Refund


class Withdrawal(models.Model):
    """The declaration, with its moment, and the refund that it asks for."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="withdrawals", verbose_name=_("order"))
    refund = models.OneToOneField(Refund, models.PROTECT, related_name="withdrawal", verbose_name=_("refund"))
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("declared by")
    )
    coins = models.PositiveIntegerField(_("coins"))
    at = models.DateTimeField(_("declared"), default=timezone.now)

    class Meta:
        verbose_name = _("withdrawal from a contract")
        verbose_name_plural = _("withdrawals from contracts")
        ordering = ["at"]
        constraints = [models.CheckConstraint(condition=models.Q(coins__gt=0), name="withdrawals_return_coins")]

    def __str__(self) -> str:
        return f"{self.order}: {self.coins}"
