"""Coins for less, or more for the same, for a while: promotions, their codes, and who had them for which order."""

from datetime import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.orders import Order
from payments.models.prices import Region

MOST_DISCOUNT_BP = 9_000
MOST_BONUS_BP = 20_000


class Promotion(models.Model):
    """A discount or bonus coins, on sizes and in regions, between two moments. One counts for an order, the best.

    Orders keep what they were sold with, so a promotion may be changed or switched off at any time.
    """

    name = models.CharField(_("name"), max_length=60, help_text=_("Buyers read it on the package."))
    discount_bp = models.PositiveIntegerField(
        _("discount"),
        default=0,
        validators=[MaxValueValidator(MOST_DISCOUNT_BP)],
        help_text=_("in hundredths of a percent of the price: 2000 is 20 %"),
    )
    bonus_bp = models.PositiveIntegerField(
        _("bonus"),
        default=0,
        validators=[MaxValueValidator(MOST_BONUS_BP)],
        help_text=_("in hundredths of a percent of the coins, on top of the package’s own bonus"),
    )
    regions = models.ManyToManyField(Region, blank=True, verbose_name=_("regions"), help_text=_("None: everywhere."))
    least_coins = models.PositiveIntegerField(_("from so many coins"), default=1, validators=[MinValueValidator(1)])
    most_coins = models.PositiveIntegerField(_("up to so many coins"), null=True, blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    is_for_first_purchase = models.BooleanField(_("only for the first purchase"), default=False)
    needs_code = models.BooleanField(_("only with a code"), default=False)
    is_on = models.BooleanField(_("switched on"), default=True)

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        ordering = ["-starts_at", "name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(discount_bp__gt=0) | models.Q(bonus_bp__gt=0), name="promotions_give_something"
            ),
            models.CheckConstraint(
                condition=models.Q(discount_bp__lte=MOST_DISCOUNT_BP, bonus_bp__lte=MOST_BONUS_BP),
                name="promotions_leave_a_price",
            ),
            models.CheckConstraint(
                condition=models.Q(starts_at__lt=models.F("ends_at")), name="promotions_start_before_they_end"
            ),
            models.CheckConstraint(
                condition=models.Q(most_coins=None) | models.Q(most_coins__gte=models.F("least_coins")),
                name="promotions_fit_some_size",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_running(self, now: datetime) -> bool:
        return self.is_on and self.starts_at <= now < self.ends_at

    def fits(self, region: Region, coins: int) -> bool:
        """Is it for packages of so many coins in that region?"""
        regions = {each.pk for each in self.regions.all()}
        most = self.most_coins or coins
        return (not regions or region.pk in regions) and self.least_coins <= coins <= most


class Coupon(models.Model):
    """A code that opens a promotion, so many times in all, for a person, and from one network."""

    promotion = models.ForeignKey(
        Promotion,
        models.PROTECT,
        related_name="coupons",
        verbose_name=_("promotion"),
        limit_choices_to={"needs_code": True},
    )
    code = models.CharField(
        _("code"),
        max_length=20,
        unique=True,
        validators=[RegexValidator(r"\A[A-Z0-9]{4,20}\Z", _("Use 4 to 20 capital letters and digits."))],
    )
    most_uses = models.PositiveIntegerField(_("uses in all"), null=True, blank=True, help_text=_("None: no limit."))
    most_per_person = models.PositiveIntegerField(
        _("uses for a person"), default=1, help_text=_("Counted by account and by mailbox, whichever is more.")
    )
    most_per_network = models.PositiveIntegerField(
        _("uses from one network"), default=5, help_text=_("Households and cafés share one.")
    )
    is_on = models.BooleanField(_("switched on"), default=True)

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=models.Q(code__regex=r"^[A-Z0-9]{4,20}$"), name="codes_can_be_read_out")
        ]

    def __str__(self) -> str:
        return self.code


class PromotionUseQuerySet(models.QuerySet["PromotionUse"]):
    def counting(self) -> "PromotionUseQuerySet":
        """Those that count against a limit. An order that ended unpaid gives its use back."""
        return self.exclude(order__state__in=[Order.State.EXPIRED, Order.State.CANCELLED])


class PromotionUse(models.Model):
    """What an order was sold with. The marks tell whether two accounts are one person's, and nothing else."""

    order = models.OneToOneField(Order, models.CASCADE, related_name="promotion_use", verbose_name=_("order"))
    promotion = models.ForeignKey(Promotion, models.PROTECT, related_name="uses", verbose_name=_("promotion"))
    coupon = models.ForeignKey(Coupon, models.PROTECT, null=True, related_name="uses", verbose_name=_("coupon"))
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("person"))
    mailbox_mark = models.CharField(max_length=64)
    network_mark = models.CharField(max_length=64, blank=True)
    discount_minor = models.PositiveBigIntegerField(_("discount"))
    bonus = models.PositiveIntegerField(_("bonus coins of the promotion"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = PromotionUseQuerySet.as_manager()

    class Meta:
        verbose_name = _("use of a promotion")
        verbose_name_plural = _("uses of promotions")
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["coupon", "person"], name="uses_of_a_person"),
            models.Index(fields=["coupon", "mailbox_mark"], name="uses_of_a_mailbox"),
            models.Index(fields=["coupon", "network_mark"], name="uses_of_a_network"),
        ]

    def __str__(self) -> str:
        return f"{self.order}: {self.promotion}"


class CodeGuess(models.Model):
    """A code that does not exist was tried. Many of them are a search for one that does. See `guesses`."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    network_mark = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["person", "at"], name="guesses_of_a_person"),
            models.Index(fields=["network_mark", "at"], name="guesses_from_a_network"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC"
