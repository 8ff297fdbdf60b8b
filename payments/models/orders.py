"""Orders, what was paid for them, and everything that happened to them."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.prices import PackagePrice, PriceList, Region
from wallet import ledger

READABLE = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0 and O, no 1, I and L


def new_number() -> str:
    """What people read out to each other: K7Q2-M9RT."""
    letters = "".join(secrets.choice(READABLE) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


class Order(models.Model):
    """A promise to sell coins for a price, frozen when it was made."""

    class State(models.TextChoices):
        CREATED = "created", _("ordered")  # nobody has been asked for money yet
        OPENED = "opened", _("waiting for payment")
        PAID = "paid", _("paid, being checked")  # money came that does not agree with the order
        SETTLED = "settled", _("delivered")
        EXPIRED = "expired", _("expired")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=9, unique=True, default=new_number, editable=False)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders", verbose_name=_("buyer"))
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recipient")
    )
    form_key = models.UUIDField(help_text="made with the form, so that a form sent twice is one order")
    region = models.ForeignKey(Region, models.PROTECT, verbose_name=_("region"))
    price_list = models.ForeignKey(PriceList, models.PROTECT, verbose_name=_("price list"))
    package = models.ForeignKey(
        PackagePrice, models.PROTECT, null=True, verbose_name=_("package"), help_text=_("none: a custom amount")
    )
    country = models.CharField(_("country"), max_length=2)
    coins = models.PositiveIntegerField(_("coins"))
    bonus = models.PositiveIntegerField(_("bonus coins"), default=0)
    price_minor = models.PositiveBigIntegerField(_("price"), help_text=_("in minor units, tax included"))
    currency = models.CharField(_("currency"), max_length=3)
    tax_minor = models.PositiveBigIntegerField(_("tax within"))
    tax_rate_bp = models.PositiveIntegerField(_("tax rate"))
    tax_name = models.CharField(_("name of the tax"), max_length=20, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.CREATED)
    session_id = models.CharField(_("checkout session"), max_length=255, null=True, unique=True)
    checkout_url = models.TextField(blank=True)
    checkout_ends_at = models.DateTimeField(null=True)
    poll_at = models.DateTimeField(null=True, help_text="when to ask the provider by ourselves")
    polls = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(_("ordered"), default=timezone.now)
    settled_at = models.DateTimeField(_("delivered"), null=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["buyer", "form_key"], name="one_order_per_form"),
            models.CheckConstraint(condition=models.Q(coins__gt=0, price_minor__gt=0), name="orders_sell_something"),
            models.CheckConstraint(condition=models.Q(tax_minor__lt=models.F("price_minor")), name="tax_is_a_part"),
            models.CheckConstraint(
                condition=models.Q(state="settled", settled_at__isnull=False)
                | ~models.Q(state="settled") & models.Q(settled_at=None),
                name="settled_orders_say_when",
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-created_at"], name="orders_of_a_buyer"),
            models.Index(fields=["poll_at"], condition=models.Q(poll_at__isnull=False), name="orders_to_poll"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_settled(self) -> bool:
        return self.state == self.State.SETTLED

    @property
    def can_be_paid(self) -> bool:
        return self.state in (self.State.CREATED, self.State.OPENED)

    @property
    def total_coins(self) -> int:
        return self.coins + self.bonus

    @property
    def net_minor(self) -> int:
        return self.price_minor - self.tax_minor

    def key(self, purpose: str) -> uuid.UUID:
        """The ledger's key of one fact about this order."""
        return ledger.key_of("order", self.pk, purpose)

    def note(self, what: str, *, reference: str = "", **detail: Any) -> None:
        """Write a line of the timeline. A fact that can happen once is noted once."""
        TimelineEntry.objects.get_or_create(
            order=self, what=what, reference=reference, defaults={"detail": detail, "at": timezone.now()}
        )


class TimelineEntry(models.Model):
    """One thing that happened to an order: the delivery tracker, and the support agent's page."""

    class What(models.TextChoices):
        ORDERED = "ordered", _("Ordered")
        OPENED = "opened", _("Payment page opened")
        PAID = "paid", _("Paid")
        DISAGREED = "disagreed", _("The payment does not agree with the order")
        SURPLUS = "surplus", _("Paid a second time")
        SETTLED = "settled", _("Delivered")
        EXPIRED = "expired", _("Expired unpaid")

    order = models.ForeignKey(Order, models.CASCADE, related_name="timeline")
    what = models.CharField(_("what"), max_length=12, choices=What.choices)
    reference = models.CharField(_("reference"), max_length=255, blank=True)
    detail = models.JSONField(_("detail"), default=dict)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("timeline entry")
        verbose_name_plural = _("timeline")
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["order", "what", "reference"], name="each_thing_is_noted_once")]

    def __str__(self) -> str:
        return self.get_what_display()


class Payment(models.Model):
    """Money that came for an order, as the provider tells it: a row per payment intent, right or wrong."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", verbose_name=_("order"))
    intent_id = models.CharField(_("payment intent"), max_length=255, unique=True)
    session_id = models.CharField(_("checkout session"), max_length=255)
    amount_minor = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    is_live = models.BooleanField(_("real money"))
    is_surplus = models.BooleanField(_("paid a second time"), default=False)
    disagreement = models.CharField(_("why it does not agree"), max_length=200, blank=True)
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=models.Q(is_surplus=False, disagreement=""),
                name="one_payment_settles_an_order",
            )
        ]

    def __str__(self) -> str:
        return self.intent_id

    @property
    def settles(self) -> bool:
        return not self.is_surplus and not self.disagreement


def poll_after(polls: int, now: datetime) -> datetime:
    """When to ask the provider about an unpaid order again: after 20 s, then at double the distance up to an hour."""
    return now + timedelta(seconds=min(20 * 2 ** min(polls, 10), 3600))
