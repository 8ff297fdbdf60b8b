"""The ledger's tables as Django sees them. wallet/sql/ledger.sql makes them and holds their rules."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Unit(models.IntegerChoices):
    """What is counted. Money will be counted in minor units, by its ISO 4217 number."""

    COIN = 1, _("coins")
    DIAMOND = 2, _("diamonds")


class AccountKind(models.TextChoices):
    COINS = "coins", _("coins")
    PROMO = "promo", _("bonus coins")
    DIAMONDS = "diamonds", _("diamonds")
    ISSUED = "issued", _("coins sold by the house")
    PROMO_ISSUED = "promo_issued", _("coins given by the house")


class TransferKind(models.IntegerChoices):
    SALE = 1, _("top-up")
    BONUS = 2, _("bonus")
    GIFT = 3, _("gift")


class ReadOnlyModel(models.Model):
    """Rows that only the ledger's functions write."""

    class Meta:
        abstract = True
        managed = False

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("the ledger is written by its functions only: see wallet/sql/ledger.sql")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("the ledger forgets nothing")


class Account(ReadOnlyModel):
    """A balance of one unit. The house's own accounts have no owner, and their balance is derived."""

    home = models.BigIntegerField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, verbose_name=_("owner"))
    balance = models.BigIntegerField(_("balance"), help_text=_("without what is still on its way"))
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    unit = models.SmallIntegerField(_("unit"), choices=Unit.choices)
    is_house = models.BooleanField(_("the house's"))
    kind = models.CharField(_("kind"), max_length=32, choices=AccountKind.choices)
    posting = models.CharField(_("posting"), max_length=10)

    class Meta(ReadOnlyModel.Meta):
        db_table = "wallet_account"
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.owner or ''}".strip()


class Transfer(ReadOnlyModel):
    """One immutable movement from a debit account to a credit account."""

    home = models.BigIntegerField(_("home"))
    debit_account = models.ForeignKey(
        Account, models.DO_NOTHING, related_name="debits", db_constraint=False, verbose_name=_("from")
    )
    credit_account = models.ForeignKey(
        Account, models.DO_NOTHING, related_name="credits", db_constraint=False, verbose_name=_("to")
    )
    debit_amount = models.BigIntegerField(_("amount out"))
    credit_amount = models.BigIntegerField(_("amount in"))
    debit_balance_after = models.BigIntegerField(_("balance after"), null=True)
    reverses = models.BigIntegerField(_("reverses"), null=True)
    created_at = models.DateTimeField(_("at"))
    key = models.UUIDField(_("key"))
    debit_unit = models.SmallIntegerField(_("unit out"), choices=Unit.choices)
    credit_unit = models.SmallIntegerField(_("unit in"), choices=Unit.choices)
    kind = models.SmallIntegerField(_("kind"), choices=TransferKind.choices)
    cause = models.TextField(_("cause"))

    class Meta(ReadOnlyModel.Meta):
        db_table = "wallet_transfer"
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")

    def __str__(self) -> str:
        return f"{self.pk} {self.get_kind_display()} ({self.cause})"
