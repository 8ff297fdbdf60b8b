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

NAMELESS = "none of "  # stands before the session where a payment has no name
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
        PROCESSING = "processing", _("payment on its way")  # by a voucher or a bank that takes days
        PAID = "paid", _("paid, being checked")  # money came that does not agree with the order
        SETTLED = "settled", _("delivered")
        EXPIRED = "expired", _("expired")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("payment failed")  # the money that was on its way will not come

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
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.CREATED)
    attempt = models.PositiveSmallIntegerField(_("attempt to pay"), default=1, db_default=1)
    retried_at = models.DateTimeField(null=True, help_text="when the last attempt began, if it is not the first")
    session_id = models.CharField(_("checkout session"), max_length=255, null=True, unique=True)
    checkout_url = models.TextField(blank=True)
    checkout_ends_at = models.DateTimeField(null=True)
    poll_at = models.DateTimeField(null=True, help_text="when to ask the provider by ourselves")
    polls = models.PositiveSmallIntegerField(default=0)
    returned_at = models.DateTimeField(null=True, help_text="when the buyer came back from the payment page")
    answered_at = models.DateTimeField(null=True, help_text="when the provider last told us about this order")
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
            models.Index(fields=["created_at"], name="orders_by_age"),
            models.Index(fields=["settled_at"], name="orders_by_settlement"),
            models.Index(fields=["poll_at"], condition=models.Q(poll_at__isnull=False), name="orders_to_poll"),
            models.Index(
                fields=["returned_at"],
                condition=models.Q(state="opened", returned_at__isnull=False),
                name="orders_back_from_paying",
            ),
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
    def is_waiting(self) -> bool:
        """Is there anything to ask the provider about?"""
        return self.can_be_paid or self.state == self.State.PROCESSING

    @property
    def can_be_retried(self) -> bool:
        """A failed payment may be tried again for the price it was to have, as long as that price is on sale."""
        return self.state == self.State.FAILED and self.price_list.state == PriceList.State.LIVE

    @property
    def attempt_began_at(self) -> datetime:
        return self.retried_at or self.created_at

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
        entry = TimelineEntry(order=self, what=what, reference=reference, detail=detail, at=timezone.now())
        TimelineEntry.objects.bulk_create([entry], ignore_conflicts=True)


class TimelineEntry(models.Model):
    """One thing that happened to an order: the delivery tracker, and the support agent's page."""

    class What(models.TextChoices):
        ORDERED = "ordered", _("Ordered")
        OPENED = "opened", _("Payment page opened")
        PROCESSING = "processing", _("Payment on its way")
        DECLINED = "declined", _("A try to pay was declined")
        FAILED = "failed", _("Payment failed")
        RETRIED = "retried", _("Tried again")
        PAID = "paid", _("Paid")
        DISAGREED = "disagreed", _("The payment does not agree with the order")
        SURPLUS = "surplus", _("Paid a second time")
        ABROAD = "abroad", _("Paid with a card of another country")
        SETTLED = "settled", _("Delivered")
        EXPIRED = "expired", _("Expired unpaid")
        CANCELLED = "cancelled", _("Cancelled")
        ACCEPTED = "accepted", _("Delivered by a person’s decision")
        RETURNED = "returned", _("Money sent back")
        MOVED = "moved", _("Money moved to its own order")
        WITHDRAWN = "withdrawn", _("Withdrawn from the contract")
        REFUND_ASKED = "refund_asked", _("Refund asked for")
        REFUNDED = "refunded", _("Refunded")
        REFUND_ENDED = "refund_ended", _("Refund did not happen")
        WARNED = "warned", _("The issuer warns of fraud")
        INQUIRY = "inquiry", _("The bank asks about the payment")
        DISPUTED = "disputed", _("Disputed")
        EVIDENCE = "evidence", _("Evidence handed to the bank")
        DISPUTE_WON = "dispute_won", _("Dispute decided for us")
        DISPUTE_LOST = "dispute_lost", _("Dispute lost")

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
    """Money that came for an order, as the provider tells it: right, a second time, or not as it should be.

    Money that does not agree with its order waits for a person, whose decision stands beside it for good. The same
    money may be written down at two orders while nobody knows whose it is, but it is good for one only.
    """

    class Decision(models.TextChoices):
        DELIVERED = "delivered", _("delivered anyway")
        RETURNED = "returned", _("sent back")
        MOVED = "moved", _("belongs to another order")

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", verbose_name=_("order"))
    intent_id = models.CharField(_("payment intent"), max_length=255)
    session_id = models.CharField(_("checkout session"), max_length=255)
    amount_minor = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    is_live = models.BooleanField(_("real money"))
    is_surplus = models.BooleanField(_("paid a second time"), default=False)
    looks = models.PositiveIntegerField(default=0, help_text="how often we looked at what became of it")
    disagreement = models.CharField(_("why it does not agree"), max_length=200, blank=True)
    decision = models.CharField(_("decision"), max_length=9, choices=Decision.choices, blank=True, db_default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    decision_reason = models.CharField(_("reason of the decision"), max_length=500, blank=True, db_default="")
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    GOOD = models.Q(disagreement="") | models.Q(decision=Decision.DELIVERED)
    TO_LOOK_AT = ~models.Q(disagreement="") & models.Q(decision="")

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["recorded_at"]
        permissions = [("decide_money", "Can decide about money that does not agree with its order")]
        constraints = [
            models.UniqueConstraint(fields=["order", "intent_id"], name="each_payment_is_noted_once_per_order"),
            models.UniqueConstraint(
                fields=["intent_id"],
                condition=models.Q(disagreement="") | models.Q(decision="delivered"),
                name="money_is_good_for_one_order",
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=models.Q(is_surplus=False) & (models.Q(disagreement="") | models.Q(decision="delivered")),
                name="one_payment_settles_an_order",
            ),
            models.CheckConstraint(
                condition=models.Q(decision="", decided_by=None, decided_at=None, decision_reason="")
                | ~models.Q(decision="")
                & models.Q(decided_by__isnull=False, decided_at__isnull=False)
                & ~models.Q(decision_reason="")
                & ~models.Q(disagreement=""),
                name="decisions_say_who_when_and_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["recorded_at"],
                condition=~models.Q(disagreement="") & models.Q(decision=""),
                name="payments_to_look_at",
            ),
            models.Index(fields=["recorded_at"], name="payments_by_age"),
        ]

    def __str__(self) -> str:
        return self.intent_id

    @property
    def settles(self) -> bool:
        return not self.is_surplus and (not self.disagreement or self.decision == self.Decision.DELIVERED)

    @property
    def is_nameless(self) -> bool:
        return self.intent_id.startswith(NAMELESS)

    @property
    def is_to_look_at(self) -> bool:
        return bool(self.disagreement) and not self.decision


def poll_after(polls: int, now: datetime) -> datetime:
    """When to ask the provider about an unpaid order again: after 20 s, then at double the distance up to an hour."""
    return now + timedelta(seconds=min(20 * 2 ** min(polls, 10), 3600))
