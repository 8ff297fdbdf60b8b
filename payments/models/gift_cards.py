"""Cards with a code that is worth coins, made in batches. A code is known to who holds the card, and not to us."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MOST_COINS = 100_000
MOST_CARDS = 1_000


class GiftCardBatch(models.Model):
    """Cards of one value. They are good for nothing until a second person has approved them, and while stopped."""

    name = models.CharField(_("name"), max_length=60, help_text=_("What they are for. Only the console shows it."))
    coins = models.PositiveIntegerField(
        _("coins on each card"), validators=[MinValueValidator(1), MaxValueValidator(MOST_COINS)]
    )
    valid_until = models.DateTimeField(_("can be redeemed until"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False, verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    stopped_at = models.DateTimeField(_("stopped"), null=True, editable=False)

    class Meta:
        verbose_name = _("batch of gift cards")
        verbose_name_plural = _("batches of gift cards")
        ordering = ["-created_at"]
        permissions = [("approve_giftcardbatch", "Can approve and stop gift cards")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(coins__gt=0, coins__lte=MOST_COINS), name="cards_are_worth_something_and_not_all"
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by=None, approved_at=None)
                | models.Q(approved_by__isnull=False, approved_at__isnull=False)
                & ~models.Q(approved_by=models.F("created_by")),
                name="nobody_approves_their_own_cards",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_good(self) -> bool:
        return self.approved_at is not None and self.stopped_at is None


class GiftCard(models.Model):
    """One card, and who redeemed it. The hash of its code tells no code: nobody can try all that there are."""

    batch = models.ForeignKey(GiftCardBatch, models.PROTECT, related_name="cards", verbose_name=_("batch"))
    code_hash = models.CharField(max_length=64, unique=True)
    last_four = models.CharField(_("end of the code"), max_length=4)
    redeemed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="gift_cards", verbose_name=_("redeemed by")
    )
    redeemed_at = models.DateTimeField(_("redeemed"), null=True)

    class Meta:
        verbose_name = _("gift card")
        verbose_name_plural = _("gift cards")
        ordering = ["batch", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(redeemed_by=None, redeemed_at=None)
                | models.Q(redeemed_by__isnull=False, redeemed_at__isnull=False),
                name="redeemed_cards_say_by_whom_and_when",
            )
        ]

    def __str__(self) -> str:
        return f"…{self.last_four}"
