"""The ledger's tables as Django sees them. wallet/sql/ledger.sql makes them and holds their rules."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Unit(models.IntegerChoices):
    """What is counted. Money is counted in minor units, and its unit is the currency's ISO 4217 number."""

    COIN = 1, _("coins")
    DIAMOND = 2, _("diamonds")


class AccountKind(models.TextChoices):
    """What an account says. A person's is what the house owes them; a debt is the other way round."""

    COINS = "coins", _("coins")
    PROMO = "promo", _("bonus coins")
    COINS_HELD = "coins_held", _("coins set aside")
    RECEIVABLE = "receivable", _("debt in coins")
    DIAMONDS = "diamonds", _("diamonds")
    DIAMONDS_HELD = "diamonds_held", _("diamonds set aside")
    DIAMONDS_RECEIVABLE = "diamonds_receivable", _("debt in diamonds")

    ISSUED = "issued", _("coins sold by the house")
    PROMO_ISSUED = "promo_issued", _("coins given by the house")
    SPENT = "spent", _("coins spent on other things")
    FORFEITED = "forfeited", _("coins of deleted accounts")
    ADJUSTMENTS = "adjustments", _("coins adjusted by hand")
    MINTED = "minted", _("diamonds taken back")
    PAID_OUT = "paid_out", _("diamonds paid out")
    DIAMONDS_ADJUSTMENTS = "diamonds_adjustments", _("diamonds adjusted by hand")

    CLEARING = "clearing", _("money on its way from the provider")
    STRIPE_BALANCE = "stripe_balance", _("money the provider holds")
    DEFERRED_REVENUE = "deferred_revenue", _("money for coins not spent yet")
    REVENUE = "revenue", _("revenue")
    TAX = "tax", _("tax to be paid")
    FEES = "fees", _("the provider's fees")
    DISPUTE_LOSS = "dispute_loss", _("lost disputes")
    BANK = "bank", _("money paid out to the bank")
    CREATOR_COST = "creator_cost", _("the creators' share")
    CREATOR_PAYABLE = "creator_payable", _("money owed to creators")


class TransferKind(models.IntegerChoices):
    """What happened. Numbers are written in rows and never change their meaning."""

    SALE = 1, _("top-up")
    BONUS = 2, _("bonus")
    GIFT = 3, _("gift")
    GIFT_HELD = 4, _("gift, can still be undone")
    GIFT_CLOSED = 5, _("gift sent")
    GIFT_UNDONE = 6, _("gift undone")
    CHARGE = 7, _("charge")
    CHARGE_REFUNDED = 8, _("charge refunded")
    TAKEN_BACK = 9, _("taken back")
    TAKEN_AS_DEBT = 10, _("taken back as a debt")
    GIVEN_BACK = 11, _("given back")
    DEBT_FORGIVEN = 12, _("debt given back")
    DEBT_REPAID = 13, _("debt repaid")
    PAYOUT_ASKED = 14, _("payout asked for")
    PAYOUT_SENT = 15, _("payout sent")
    PAYOUT_FAILED = 16, _("payout failed")
    CLAWED_BACK = 17, _("taken back")
    CLAWED_BACK_AS_DEBT = 18, _("taken back as a debt")
    EXCHANGE = 19, _("diamonds to coins")
    COINS_FORFEITED = 20, _("account deleted")
    PROMO_FORFEITED = 21, _("account deleted")
    DIAMONDS_FORFEITED = 22, _("account deleted")
    COINS_ADDED = 23, _("adjustment")
    COINS_REMOVED = 24, _("adjustment")
    DIAMONDS_ADDED = 25, _("adjustment")
    DIAMONDS_REMOVED = 26, _("adjustment")
    BONUS_TAKEN_BACK = 27, _("bonus taken back")
    BONUS_GIVEN_BACK = 28, _("bonus given back")
    REPAYMENT_RETURNED = 29, _("repayment returned")

    MONEY_SOLD = 40, _("sale, net of tax")
    MONEY_TAXED = 41, _("tax of a sale")
    MONEY_ARRIVED = 42, _("the provider's balance")
    MONEY_FEE = 43, _("the provider's fee")
    MONEY_EARNED = 44, _("coins spent")
    MONEY_CREATOR = 45, _("the creator's share")
    MONEY_UNSOLD = 46, _("refund of coins not spent")
    MONEY_UNEARNED = 47, _("refund of coins spent")
    MONEY_LOST = 48, _("dispute lost")
    MONEY_UNTAXED = 49, _("tax of a refund")
    MONEY_RETURNED = 50, _("refund paid by the provider")
    MONEY_PAID_OUT = 51, _("payout to a creator")
    MONEY_DEFERRED = 52, _("spending taken back")
    MONEY_GIVEN_BACK = 53, _("refund failed or dispute won")
    MONEY_FEE_RETURNED = 60, _("the provider's fee given back")
    MONEY_BANKED = 61, _("the provider's payout to the bank")
    MONEY_UNBANKED = 62, _("money back from the bank")


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


class LotCheckpoint(models.Model):
    """A book of lots as it was after some transfer, kept so that long accounts are not folded from the start.

    Derived: rows may be deleted at any time, and a wrong one would be too, so nothing else refers to them.
    """

    account_id = models.BigIntegerField(primary_key=True)
    state = models.JSONField(help_text="wallet.lots.Book.as_json")

    class Meta:
        verbose_name = "checkpoint of lots"
        verbose_name_plural = "checkpoints of lots"

    def __str__(self) -> str:
        return str(self.account_id)
