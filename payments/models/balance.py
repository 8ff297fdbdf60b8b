"""The provider's own account of our money, line by line."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.models.orders import Order


class BalanceTransaction(models.Model):
    """A line of the balance that the provider keeps for us, as it was when we read it; the ledger has the same.

    `gross` is what a buyer paid (or, negative, got back) in the currency of the order. The rest is in the currency in
    which it settled: what came or went, what the provider kept of it, and what was left.
    """

    id = models.CharField(_("balance transaction"), max_length=255, primary_key=True)
    kind = models.CharField(_("kind"), max_length=60)
    category = models.CharField(_("category"), max_length=60)
    source_id = models.CharField(_("about"), max_length=255, blank=True)
    intent_id = models.CharField(_("payment intent"), max_length=255, blank=True)
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="balance_transactions")
    was_unknown = models.BooleanField(_("we had not heard of it"), default=False)
    gross_minor = models.BigIntegerField(_("gross"))
    gross_currency = models.CharField(_("currency of the order"), max_length=3)
    amount_minor = models.BigIntegerField(_("amount"))
    fee_minor = models.BigIntegerField(_("fee"))
    net_minor = models.BigIntegerField(_("net"))
    currency = models.CharField(_("settled in"), max_length=3)
    exchange_rate = models.DecimalField(_("exchange rate"), max_digits=24, decimal_places=12, null=True)
    created_at = models.DateTimeField(_("entered"))
    available_on = models.DateTimeField(_("available"))

    class Meta:
        verbose_name = _("balance transaction")
        verbose_name_plural = _("balance transactions")
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(net_minor=models.F("amount_minor") - models.F("fee_minor")),
                name="net_is_what_is_left_after_the_fee",
            )
        ]
        indexes = [
            models.Index(fields=["intent_id"], name="balance_by_payment"),
            models.Index(fields=["created_at"], name="balance_by_age"),
        ]

    def __str__(self) -> str:
        return self.id
