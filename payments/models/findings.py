"""Differences between what should be and what is: found by the shop itself, kept until they are gone or explained."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.orders import Order


class Finding(models.Model):
    """One difference. It is gone when its check no longer finds it, and closed when a person has said why it may be.

    Figures are coins, or minor units of a currency. While a row is not gone, the same difference is not found again.
    """

    class What(models.TextChoices):
        NOT_CREDITED = "not credited", _("delivered, but its coins or its money are not in the ledger")
        NOT_PAID = "not paid", _("delivered, but no payment is known that agrees with it")
        NOT_DELIVERED = "not delivered", _("paid, but not delivered")
        UNEXPLAINED_SALE = "unexplained sale", _("coins were sold that no delivered order explains")
        WRONG_AMOUNT = "wrong amount", _("what was paid does not agree with the order")
        EVENT_WAITS = "event waits", _("an event that nobody worked on")
        REQUEST_WAITS = "request waits", _("a request to the provider that was not sent")
        WRONG_BALANCE = "wrong balance", _("a balance that is not the sum of its transfers")

        UNKNOWN_PAYMENT = "unknown payment", _("the provider has a payment that we had not heard of")
        MISSING_PAYMENT = "missing payment", _("we have a payment that the provider has not")
        OTHER_AMOUNT = "other amount", _("the provider has another amount")
        UNKNOWN_REFUND = "unknown refund", _("the provider has a refund that we had not heard of")
        MISSING_REFUND = "missing refund", _("we have a refund that the provider has not")
        UNKNOWN_DISPUTE = "unknown dispute", _("the provider has a dispute that we had not heard of")
        ODD_FEE = "odd fee", _("a fee that is not what such a payment costs")
        UNKNOWN_ENTRY = "unknown entry", _("an entry of the provider's balance that we do not know what to do with")
        OPEN_CLEARING = "open clearing", _("money of an order that neither arrived nor went back")
        OTHER_BALANCE = "other balance", _("the provider says it holds another amount for us")

    what = models.CharField(_("what"), max_length=20, choices=What.choices)
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="findings", verbose_name=_("order"))
    reference = models.CharField(_("reference"), max_length=255, help_text=_("what exactly differs"))
    detail = models.CharField(_("detail"), max_length=500)
    expected = models.BigIntegerField(_("expected"), null=True)
    found = models.BigIntegerField(_("found"), null=True)
    unit = models.CharField(_("unit"), max_length=8, blank=True, help_text=_("a currency's minor units, or coins"))
    found_at = models.DateTimeField(_("since"), default=timezone.now)
    gone_at = models.DateTimeField(_("gone"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name=_("closed by"))
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ["-found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["what", "reference"], condition=models.Q(gone_at=None), name="one_finding_per_difference"
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at=None) | ~models.Q(note="") & models.Q(closed_by__isnull=False),
                name="who_closes_a_finding_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.reference}"
