"""Money that went back: refunds that we give, disputes in which the bank takes, and the warnings before them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.orders import Order, Payment


class Refund(models.Model):
    """Money given back of one payment: asked for here, or made in the provider's own dashboard."""

    class Status(models.TextChoices):
        ASKED = "asked", _("to be sent")
        PENDING = "pending", _("on its way")
        REQUIRES_ACTION = "requires_action", _("waiting for the buyer")
        SUCCEEDED = "succeeded", _("refunded")
        FAILED = "failed", _("failed, the money came back to us")
        CANCELED = "canceled", _("cancelled")
        REFUSED = "refused", _("refused by the provider")

    class Reason(models.TextChoices):
        REQUESTED = "requested_by_customer", _("the buyer asked for it")
        DUPLICATE = "duplicate", _("paid twice")
        FRAUDULENT = "fraudulent", _("fraud")

    OVER = [Status.FAILED, Status.CANCELED, Status.REFUSED]  # the money is, or stays, with us
    EFFECTIVE = [Status.PENDING, Status.REQUIRES_ACTION, Status.SUCCEEDED]  # the provider knows of it
    TAKES = models.Q(status__in=EFFECTIVE) | models.Q(status=Status.ASKED, takes_at_once=True)

    order = models.ForeignKey(Order, models.PROTECT, related_name="refunds", verbose_name=_("order"))
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    stripe_id = models.CharField(_("refund"), max_length=255, null=True, unique=True)
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.ASKED)
    failure = models.CharField(_("why it failed"), max_length=500, blank=True)
    reason = models.CharField(_("reason"), max_length=30, choices=Reason.choices, blank=True)
    asked_by = models.ForeignKey(  # nobody: the shop itself, or somebody in the provider's dashboard
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("asked for by")
    )
    note = models.CharField(_("note"), max_length=500, blank=True)
    takes_at_once = models.BooleanField(
        default=False, db_default=False, help_text="coins go with the asking, before the provider has answered"
    )
    key = models.UUIDField(
        unique=True, default=uuid.uuid4, help_text="made with the form: sent twice, it is one refund"
    )
    created_at = models.DateTimeField(_("asked"), default=timezone.now)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["created_at", "id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="refunds_give_something")]

    def __str__(self) -> str:
        return self.stripe_id or f"{self.order} {self.pk}"


class Dispute(models.Model):
    """What a cardholder's bank says about a payment. Statuses are the provider's words, of which new ones come."""

    # https://docs.stripe.com/api/disputes/object. What is not named here is not over, an appeal among it.
    IN_OUR_FAVOUR = ["won", "warning_closed", "prevented"]
    OVER = [*IN_OUR_FAVOUR, "lost"]
    AWAITS_EVIDENCE = ~models.Q(status__in=OVER) & ~models.Q(status__endswith="under_review")

    order = models.ForeignKey(Order, models.PROTECT, related_name="disputes", verbose_name=_("order"))
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes", verbose_name=_("payment"))
    stripe_id = models.CharField(_("dispute"), max_length=255, unique=True)
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=50)
    status = models.CharField(_("status"), max_length=50)
    is_withdrawn = models.BooleanField(_("money withdrawn"), default=False)
    due_by = models.DateTimeField(_("evidence is due"), null=True)
    created_at = models.DateTimeField(_("opened"), default=timezone.now)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.stripe_id

    @property
    def is_inquiry(self) -> bool:
        """A bank that only asks. It has taken nothing."""
        return self.status.startswith("warning_")

    @property
    def is_over(self) -> bool:
        return self.status in self.OVER

    @property
    def awaits_evidence(self) -> bool:
        """Can something be said that the bank has not read yet? It decides once, and reads once."""
        return not self.is_over and not self.status.endswith("under_review")

    @property
    def takes(self) -> bool:
        """Is the money with the bank, for now or for good?"""
        return self.is_withdrawn and not self.is_inquiry and self.status not in self.IN_OUR_FAVOUR

    @property
    def forbids_refunds(self) -> bool:
        """While the bank has the money, or has decided to keep it, a refund would give it away twice."""
        return not self.is_inquiry and self.status not in self.IN_OUR_FAVOUR


class FraudWarning(models.Model):
    """An issuer suspects that a payment is fraud. A refund in time may spare the dispute."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="fraud_warnings", verbose_name=_("payment"))
    stripe_id = models.CharField(_("warning"), max_length=255, unique=True)
    fraud_type = models.CharField(_("kind of fraud"), max_length=50)
    is_actionable = models.BooleanField(_("something can be done"))
    created_at = models.DateTimeField(_("received"), default=timezone.now)

    class Meta:
        verbose_name = _("fraud warning")
        verbose_name_plural = _("fraud warnings")
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.stripe_id


class DisputeEvidence(models.Model):
    """What we said to a bank, word by word as it was when somebody decided to send it."""

    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="evidence", verbose_name=_("dispute"))
    fields = models.JSONField(_("content"), help_text="texts by the provider's names for them")
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("submitted by")
    )
    submitted_at = models.DateTimeField(_("submitted"), default=timezone.now)
    failure = models.CharField(_("why it was refused"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["submitted_at", "id"]

    def __str__(self) -> str:
        return f"{self.dispute} {self.submitted_at:%Y-%m-%d %H:%M}"
