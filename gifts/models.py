"""What coins are for: a catalogue of gifts, creators who receive them, and every gift that was sent."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Gift(models.Model):
    """An item of the catalogue. Its price may change; what was sent keeps the price it was sent at."""

    class Motion(models.TextChoices):
        STREAK = "streak", _("slides in, many of them as a combo")
        POP = "pop", _("pops up")
        FULLSCREEN = "fullscreen", _("lands in the middle")
        ROOM = "room", _("crosses the room")

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=40, help_text=_("in English; translated where it is shown"))
    coins = models.PositiveIntegerField(_("price in coins"))
    motion = models.CharField(_("motion"), max_length=10, choices=Motion.choices, default=Motion.STREAK)
    picture = models.CharField(_("picture"), max_length=100, help_text=_("a file of static/img/gifts"))
    is_on_sale = models.BooleanField(_("on sale"), default=True)

    class Meta:
        verbose_name = _("gift")
        verbose_name_plural = _("gifts")
        ordering = ["coins", "name"]
        constraints = [models.CheckConstraint(condition=models.Q(coins__gt=0), name="gifts_cost_something")]

    def __str__(self) -> str:
        return gettext(self.name)

    @property
    def picture_path(self) -> str:
        return f"img/gifts/{self.picture}"


class Creator(models.Model):
    """Somebody who may receive gifts."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True, related_name="creator", verbose_name=_("person")
    )
    name = models.CharField(_("name on screen"), max_length=60)
    may_earn = models.BooleanField(_("may earn"), default=True)

    class Meta:
        verbose_name = _("creator")
        verbose_name_plural = _("creators")

    def __str__(self) -> str:
        return self.name

    @property
    def handle(self) -> str:
        return self.person.handle


class SentGift(models.Model):
    """One gift that was sent: the fact beside the ledger's transfer, which has the same key.

    The creator's row is referred to without a foreign-key constraint: checking one locks the row that every sender to a
    popular creator would wait for.
    """

    key = models.UUIDField(_("key"))
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="gifts_sent", verbose_name=_("sender")
    )
    creator = models.ForeignKey(
        Creator, models.DO_NOTHING, db_constraint=False, related_name="gifts_received", verbose_name=_("creator")
    )
    gift = models.ForeignKey(Gift, models.PROTECT, verbose_name=_("gift"))
    quantity = models.PositiveIntegerField(_("how many"))
    coins = models.PositiveBigIntegerField(_("coins in all"))
    diamonds = models.PositiveBigIntegerField(_("diamonds for the creator"))
    transfer_id = models.BigIntegerField(_("transfer"), unique=True)
    sent_at = models.DateTimeField(_("sent"), default=timezone.now)

    class Meta:
        verbose_name = _("gift sent")
        verbose_name_plural = _("gifts sent")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["sender", "key"], name="one_gift_per_key"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0, coins__gt=0), name="gifts_sent_cost_something"),
        ]
        indexes = [models.Index(fields=["creator", "-id"], name="gifts_of_a_creator")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.gift}"
