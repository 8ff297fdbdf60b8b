"""The people who use the shop, and what the law of their country says."""

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

HANDLE_VALIDATORS: list[Callable[[Any], None]] = [
    MinLengthValidator(2),
    RegexValidator(
        r"\A[a-z0-9][a-z0-9_.]*\Z",
        _("Use small letters a to z, digits, dots and underscores, and begin with a letter or a digit."),
    ),
]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, handle: str, password: str | None = None, **facts: Any) -> "User":
        user = self.model(email=email.lower(), handle=handle.lower(), **facts)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, handle: str, password: str, **facts: Any) -> "User":
        return self.create_user(email, handle, password, is_staff=True, is_superuser=True, **facts)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=(email or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. They sign in with their e-mail address and are known to others by their handle."""

    handle = models.CharField(_("name"), max_length=30, unique=True, validators=HANDLE_VALIDATORS)
    email = models.EmailField(_("e-mail"), unique=True)
    country = models.CharField(_("country"), max_length=2, blank=True, help_text=_("Where you live."))
    birth_date = models.DateField(_("date of birth"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    phrase = models.CharField(max_length=60, blank=True, help_text="their own words, shown before they pay")
    is_staff = models.BooleanField(_("may open the console"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["handle"]

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(condition=models.Q(handle=Lower("handle")), name="handles_are_in_small_letters"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="addresses_are_in_small_letters"),
        ]

    def __str__(self) -> str:
        return f"@{self.handle}"

    def clean(self) -> None:
        self.email = self.email.lower()
        self.handle = self.handle.lower()

    def age_on(self, day: date) -> int | None:
        """Whole years, or None when the date of birth is not known. Born on 29 February, a year older on 1 March."""
        if self.birth_date is None:
            return None
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (not had_birthday)


class CountryLaw(models.Model):
    """What a country says about selling coins, from a day on. The newest row that has begun is in force."""

    country = models.CharField(_("country"), max_length=2)
    valid_from = models.DateField(_("valid from"))
    adult_age = models.PositiveSmallIntegerField(_("age to buy and to send gifts"))
    withdrawal_days = models.PositiveSmallIntegerField(_("days to withdraw from a purchase"))
    tax_name = models.CharField(_("name of the tax"), max_length=20, blank=True)
    tax_rate_bp = models.PositiveIntegerField(_("tax rate"), help_text=_("in hundredths of a percent: 2300 is 23 %"))
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("law of a country")
        verbose_name_plural = _("laws of countries")
        constraints = [
            models.UniqueConstraint(fields=["country", "valid_from"], name="one_law_per_country_and_day"),
            models.CheckConstraint(condition=models.Q(tax_rate_bp__lt=10_000), name="tax_is_below_its_price"),
            models.CheckConstraint(condition=models.Q(adult_age__gte=18), name="coins_are_for_adults"),
        ]

    def __str__(self) -> str:
        return f"{self.country}, {self.valid_from}"

    @classmethod
    def in_force(cls, country: str, on: date | None = None) -> Self | None:
        """The law of `country` on a day (today if none is given), or None where we know none and so cannot sell."""
        day = on or timezone.now().date()
        return cls.objects.filter(country=country, valid_from__lte=day).order_by("-valid_from").first()


class Block(models.Model):
    """Somebody wants nothing from somebody else. See `blocks`."""

    blocker = models.ForeignKey(User, models.CASCADE, related_name="blocks", verbose_name=_("person"))
    blocked = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("blocked person"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        ordering = ["blocked__handle"]
        constraints = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="a_person_is_blocked_once"),
            models.CheckConstraint(condition=~models.Q(blocker=models.F("blocked")), name="nobody_blocks_themselves"),
        ]

    def __str__(self) -> str:
        return str(self.blocked)


class ResidenceChange(models.Model):
    """Somebody said that they moved. See `residences`."""

    class Reason(models.TextChoices):
        MOVED = "moved", _("I moved")
        AWAY = "away", _("I study or work there")
        MISTAKE = "mistake", _("It was wrong from the beginning")
        OTHER = "other", _("Something else")

    person = models.ForeignKey(User, models.CASCADE, related_name="residence_changes", verbose_name=_("person"))
    was = models.CharField(_("from"), max_length=2)
    became = models.CharField(_("to"), max_length=2)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    note = models.CharField(_("in their words"), max_length=200, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("change of residence")
        verbose_name_plural = _("changes of residence")
        ordering = ["-at"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(was=models.F("became")), name="moving_is_to_somewhere_else"),
            models.CheckConstraint(
                condition=~models.Q(reason="other", note=""), name="another_reason_is_said_in_words"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.was} → {self.became}"


class SpendingPause(models.Model):
    """A time in which somebody cannot spend: their bank asks about a payment. See `pauses`."""

    user = models.ForeignKey(User, models.CASCADE, related_name="spending_pauses", verbose_name=_("person"))
    cause = models.CharField(_("cause"), max_length=255, unique=True)
    since = models.DateTimeField(_("since"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("pause of spending")
        verbose_name_plural = _("pauses of spending")
        indexes = [models.Index(fields=["user"], condition=models.Q(ended_at=None), name="pauses_that_stand")]

    def __str__(self) -> str:
        return self.cause


class SignIn(models.Model):
    """Who signed in, from where and with what: evidence that a payment was their own. See `sign_ins`."""

    user = models.ForeignKey(User, models.CASCADE, related_name="sign_ins", verbose_name=_("person"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    address = models.GenericIPAddressField(_("address"), null=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["user", "at"], name="sign_ins_of_a_person")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC"
