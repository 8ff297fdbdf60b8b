"""Where we sell, and for how much: regions, and their price lists as versions with a life."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from coinshop.accounts import countries

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

    How a draft becomes live is told in `revisions`.

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
    revision = models.ForeignKey(
        "payments.Revision",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="lists",
        verbose_name=_("revision"),
        help_text=_("None: the first prices of a region."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, verbose_name=_("made by")
    )
    checked = models.CharField(
        max_length=32,
        blank=True,
        editable=False,
        help_text="payments_digest_of_list() of what passed the checks: nothing else can go live",
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

    def prices(self) -> "Prices":
        """What the list says, as a value."""
        return Prices(
            packages=tuple(
                Package(coins=each.coins, bonus=each.bonus, price_minor=each.price_minor)
                for each in sorted(self.packages.all(), key=lambda each: each.coins)
            ),
            custom=CustomRule(self.custom_coins, self.custom_price_minor, self.custom_max_coins)
            if self.custom_coins and self.custom_price_minor and self.custom_max_coins
            else None,
        )

    def write(self, prices: "Prices") -> None:
        """Make a draft say just this. The database refuses for any other list."""
        rule = prices.custom or CustomRule(None, None, None)
        PriceList.objects.filter(pk=self.pk).update(**dict(zip(CUSTOM_RULE, rule, strict=True)))
        kept = {package.coins for package in prices.packages}
        self.packages.exclude(coins__in=kept).delete()
        PackagePrice.objects.bulk_create(
            [PackagePrice(price_list=self, **package._asdict()) for package in prices.packages],
            update_conflicts=True,
            unique_fields=["price_list", "coins"],
            update_fields=["bonus", "price_minor"],
        )


class Package(NamedTuple):
    """Whole coins, bought and given with them, for a price in minor units, tax included."""

    coins: int
    bonus: int
    price_minor: int


class CustomRule(NamedTuple):
    """Any number of coins up to a limit, in proportion to `coins` for `price_minor`."""

    coins: int | None
    price_minor: int | None
    max_coins: int | None


@dataclass(frozen=True)
class Prices:
    """Everything that a price list says, the packages by size."""

    packages: tuple[Package, ...] = ()
    custom: CustomRule | None = None

    def with_packages(self, packages: Iterable[Package]) -> "Prices":
        """The same with other packages. Any amount goes on costing what its package does, where it cost that before."""
        changed, rule = Prices(tuple(sorted(packages)), self.custom), self.custom
        was = {package.coins: package.price_minor for package in self.packages}
        now = {package.coins: package.price_minor for package in changed.packages}
        if rule and rule.coins in now and rule.price_minor == was.get(rule.coins):
            return replace(changed, custom=rule._replace(price_minor=now[rule.coins]))
        return changed

    def as_json(self) -> dict[str, Any]:
        """For the log: `{"packages": [[70, 0, 85], …], "custom": [700, 829, 25000]}`."""
        return {"packages": [[*each] for each in self.packages], "custom": [*self.custom] if self.custom else None}


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
