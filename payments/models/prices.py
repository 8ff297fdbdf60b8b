"""Where we sell, and for how much: regions, and their price lists as versions with a life."""

from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from coinshop.accounts import countries
from payments import money

gettext_noop("Eurozone")
gettext_noop("Rest of the world (USD)")


class Region(models.Model):
    """A price zone: countries that share a currency and a price list."""

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=60)
    currency = models.CharField(_("currency"), max_length=3)
    is_open = models.BooleanField(_("open"), default=True, help_text=_("A closed region sells nothing."))

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(currency__regex=r"^[A-Z]{3}$"), name="currencies_are_iso_4217")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def display_name(self) -> str:
        """The region's name in the reader's language: that of its country where it has only one."""
        codes = [country.code for country in self.countries.all()]
        return countries.name_of(codes[0]) if len(codes) == 1 else gettext(self.name)


class RegionCountry(models.Model):
    """A country belongs to one region."""

    code = models.CharField(_("country"), max_length=2, primary_key=True)
    region = models.ForeignKey(Region, models.PROTECT, related_name="countries", verbose_name=_("region"))

    class Meta:
        verbose_name = _("country of a region")
        verbose_name_plural = _("countries of regions")
        ordering = ["code"]

    def __str__(self) -> str:
        return countries.name_of(self.code)


CUSTOM_RULE = ["custom_coins", "custom_price_minor", "custom_max_coins"]


class PriceList(models.Model):
    """All packages of one region and channel. A draft is edited, a live list is frozen; orders keep their price.

    The custom amount is priced in proportion: `custom_coins` cost `custom_price_minor`, rounded up to what the
    provider can charge.
    """

    class Channel(models.TextChoices):
        WEB = "web", _("this shop")
        APP = "app", _("the app (only to compare)")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        LIVE = "live", _("live")
        RETIRED = "retired", _("retired")

    region = models.ForeignKey(Region, models.PROTECT, related_name="price_lists", verbose_name=_("region"))
    channel = models.CharField(_("channel"), max_length=3, choices=Channel.choices, default=Channel.WEB)
    version = models.PositiveIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT, editable=False)
    custom_coins = models.PositiveIntegerField(
        _("custom amount: coins"), null=True, blank=True, help_text=_("This many coins …")
    )
    custom_price_minor = models.PositiveBigIntegerField(
        _("custom amount: price"), null=True, blank=True, help_text=_("… cost this much, in minor units.")
    )
    custom_max_coins = models.PositiveIntegerField(_("custom amount: at most"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, verbose_name=_("made by")
    )
    live_at = models.DateTimeField(_("live since"), null=True, editable=False)
    retired_at = models.DateTimeField(_("retired"), null=True, editable=False)

    class Meta:
        verbose_name = _("price list")
        verbose_name_plural = _("price lists")
        ordering = ["region__name", "channel", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["region", "channel", "version"], name="versions_are_counted"),
            models.UniqueConstraint(
                fields=["region", "channel"],
                condition=models.Q(state="live"),
                name="one_live_list_per_region_and_channel",
            ),
            models.CheckConstraint(
                condition=models.Q(custom_coins=None, custom_price_minor=None, custom_max_coins=None)
                | models.Q(
                    # A comparison with NULL is neither true nor false, and a constraint lets that pass.
                    *[models.Q((f"{name}__isnull", False), (f"{name}__gt", 0)) for name in CUSTOM_RULE]
                ),
                name="a_custom_rule_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region} · {self.channel} · {self.version}"

    def go_live(self) -> None:
        """Replace the live list of this region and channel by this draft, at once and for good.

        Raises NotReady, in words for the pricing manager, when a price of it could not be charged.
        """
        with transaction.atomic():
            Region.objects.select_for_update().get(pk=self.region_id)
            self.refresh_from_db()
            if complaints := self.complaints():
                raise NotReady(complaints)
            now = timezone.now()
            live = PriceList.objects.filter(region=self.region, channel=self.channel, state=self.State.LIVE)
            live.update(state=self.State.RETIRED, retired_at=now)
            PriceList.objects.filter(pk=self.pk, state=self.State.DRAFT).update(state=self.State.LIVE, live_at=now)
        self.refresh_from_db()

    def complaints(self) -> list[str]:
        """What keeps this draft from going live; empty when nothing does."""
        if self.state != self.State.DRAFT:
            return [str(_("Only a draft can go live. Make a new draft from this list."))]
        if self.region.currency not in money.LEAST_CHARGE:
            return [str(_("We do not know the least that can be charged in %s.") % self.region.currency)]
        packages = list(self.packages.all())
        if not packages:
            return [str(_("The list has no packages."))]
        return [complaint for package in packages if (complaint := package.complaint())]

    def new_draft(self, by: Any) -> "PriceList":
        """A copy of this list, to be edited."""
        with transaction.atomic():
            Region.objects.select_for_update().get(pk=self.region_id)
            siblings = PriceList.objects.filter(region=self.region, channel=self.channel)
            newest = siblings.aggregate(newest=models.Max("version"))["newest"]
            custom = {name: getattr(self, name) for name in CUSTOM_RULE}
            draft = PriceList.objects.create(
                region=self.region, channel=self.channel, version=newest + 1, created_by=by, **custom
            )
            PackagePrice.objects.bulk_create(
                PackagePrice(price_list=draft, coins=old.coins, bonus=old.bonus, price_minor=old.price_minor)
                for old in self.packages.all()
            )
        return draft


class NotReady(Exception):
    """A draft may not go live yet. `args[0]` lists why."""


class PackagePrice(models.Model):
    """A number of coins for a price. It never changes once its list is live: the database refuses."""

    price_list = models.ForeignKey(PriceList, models.CASCADE, related_name="packages", verbose_name=_("price list"))
    coins = models.PositiveIntegerField(_("coins"))
    bonus = models.PositiveIntegerField(_("bonus coins"), default=0)
    price_minor = models.PositiveBigIntegerField(
        _("price"), help_text=_("in minor units, tax included: 499 is 4.99 EUR, or 499 JPY")
    )

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        ordering = ["coins"]
        constraints = [
            models.UniqueConstraint(fields=["price_list", "coins"], name="one_price_per_size"),
            models.CheckConstraint(condition=models.Q(coins__gt=0, price_minor__gt=0), name="coins_cost_something"),
        ]

    def __str__(self) -> str:
        return f"{self.coins}"

    def complaint(self) -> str:
        """Why this price could never be charged, or nothing. One below the provider's minimum is just not shown."""
        currency = self.price_list.region.currency
        if self.price_minor % money.step(currency):
            return str(_("%(coins)s coins: %(currency)s has no such fraction.") % self._named(currency))
        if self.price_minor > money.most_charge(currency):
            return str(_("%(coins)s coins: the price is more than can be charged at once.") % self._named(currency))
        return ""

    def _named(self, currency: str) -> dict[str, Any]:
        return {"coins": self.coins, "currency": currency}
