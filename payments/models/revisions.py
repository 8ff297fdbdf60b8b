"""Price lists that change together, as a document with a life; who did what with it; and the rates it was made with."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.prices import PriceList


def _somebody(name: Any, **options: Any) -> Any:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False, verbose_name=name
    )


class Revision(models.Model):
    """Drafts of price lists that one person writes, another approves, and that go live together at one instant.

    Draft → in review → scheduled → live. It can go back to a draft until it is live, or be put aside. What is live is
    changed by another revision only. The database knows these rules as well: migration `0017_guard_revisions`.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        REVIEW = "review", _("in review")
        SCHEDULED = "scheduled", _("scheduled")
        LIVE = "live", _("went live")
        DROPPED = "dropped", _("put aside")

    name = models.CharField(_("name"), max_length=60)
    note = models.CharField(_("what for"), max_length=500, blank=True)
    channel = models.CharField(
        _("channel"), max_length=3, choices=PriceList.Channel.choices, default=PriceList.Channel.WEB
    )
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT, editable=False)
    edits = models.PositiveIntegerField(default=0, editable=False, help_text="who saves must have seen the last one")
    undoes = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="undone_by", editable=False, verbose_name=_("rolls back")
    )
    created_by = _somebody(_("drafted by"))
    created_at = models.DateTimeField(_("drafted"), default=timezone.now, editable=False)
    submitted_by = _somebody(_("sent for review by"))
    submitted_at = models.DateTimeField(_("sent for review"), null=True, editable=False)
    approved_by = _somebody(_("approved by"))
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    live_from = models.DateTimeField(_("goes live"), null=True, editable=False)
    live_at = models.DateTimeField(_("went live"), null=True, editable=False)

    class Meta:
        verbose_name = _("revision of prices")
        verbose_name_plural = _("revisions of prices")
        ordering = ["-created_at", "-pk"]
        permissions = [("approve_revision", "Can approve prices that somebody else wrote")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state__in=["scheduled", "live"])
                | models.Q(undoes__isnull=False)
                | models.Q(approved_by__isnull=False, submitted_by__isnull=False)
                & ~models.Q(approved_by=models.F("created_by"))
                & ~models.Q(approved_by=models.F("submitted_by")),
                name="nobody_approves_their_own_prices",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="scheduled") | models.Q(live_from__isnull=False),
                name="scheduled_prices_say_when",
            ),
            models.CheckConstraint(
                condition=models.Q(state="live", live_at__isnull=False)
                | ~models.Q(state="live") & models.Q(live_at=None),
                name="live_prices_say_since_when",
            ),
            models.UniqueConstraint(fields=["undoes"], name="a_revision_is_rolled_back_once"),
        ]
        indexes = [
            models.Index(fields=["live_from"], condition=models.Q(state="scheduled"), name="revisions_to_put_live")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT


class Waiver(models.Model):
    """Why prices may go live although a check would rather not have it. Good for just the figures it was given for."""

    price_list = models.ForeignKey(PriceList, models.CASCADE, related_name="waivers", verbose_name=_("price list"))
    fault = models.CharField(_("check"), max_length=100, help_text="`Fault.key`: what was found, figures included")
    reason = models.CharField(_("reason"), max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("waiver")
        verbose_name_plural = _("waivers")
        constraints = [
            models.UniqueConstraint(fields=["price_list", "fault"], name="a_fault_is_waived_once"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="a_waiver_has_a_reason"),
        ]

    def __str__(self) -> str:
        return self.fault


class PriceChange(models.Model):
    """One line of the log: who did what to prices, with what was before and after. Never changed, never deleted."""

    class What(models.TextChoices):
        BEGUN = "begun", _("Drafted")
        EDITED = "edited", _("Changed by hand")
        DERIVED = "derived", _("Derived from a base price")
        READ = "read", _("Read from a file")
        LEFT_OUT = "left out", _("A region was left out")
        WAIVED = "waived", _("A check was waived")
        SUBMITTED = "submitted", _("Sent for review")
        RETURNED = "returned", _("Back to a draft")
        APPROVED = "approved", _("Approved")
        LIVE = "live", _("Went live")
        HELD_BACK = "held back", _("Held back by a check")
        ROLLED_BACK = "rolled back", _("Rolled back")
        DROPPED = "dropped", _("Put aside")
        RATES = "rates", _("Exchange rates were written down")

    revision = models.ForeignKey(
        Revision,
        models.PROTECT,
        null=True,
        related_name="changes",
        verbose_name=_("revision"),
        help_text=_("None: exchange rates, which are of no revision."),
    )
    region = models.ForeignKey("payments.Region", models.PROTECT, null=True, related_name="+", verbose_name=_("region"))
    what = models.CharField(_("what"), max_length=12, choices=What.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("change of prices")
        verbose_name_plural = _("changes of prices")
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(what="rates", revision=None) | ~models.Q(what="rates") & ~models.Q(revision=None),
                name="only_rates_are_of_no_revision",
            )
        ]

    def __str__(self) -> str:
        return f"{self.revision}: {self.get_what_display()}" if self.revision else str(self.get_what_display())


class ExchangeRate(models.Model):
    """What a US dollar is worth, on a day, as some source says. The newest of a currency counts."""

    currency = models.CharField(_("currency"), max_length=3)
    per_usd = models.DecimalField(_("for 1 USD"), max_digits=18, decimal_places=6)
    day = models.DateField(_("day"))
    source = models.CharField(_("source"), max_length=100)

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        ordering = ["currency", "-day"]
        constraints = [
            models.UniqueConstraint(fields=["currency", "day"], name="one_rate_a_day"),
            models.CheckConstraint(condition=models.Q(per_usd__gt=0), name="rates_are_above_zero"),
            models.CheckConstraint(condition=models.Q(currency__regex=r"^[A-Z]{3}$"), name="rates_are_of_currencies"),
        ]

    def __str__(self) -> str:
        return f"1 USD = {self.per_usd.normalize():f} {self.currency}"
