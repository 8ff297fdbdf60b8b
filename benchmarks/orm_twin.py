"""The same gift as one would write it with Django's ORM: lock the accounts, change the balances, write the row."""

import uuid
from typing import Any

import django

django.setup()

from django.db import models, transaction  # noqa: E402 - there are no models before setup
from django.db.models import F  # noqa: E402


class Account(models.Model):  # noqa: DJ008 - nobody reads it
    """A balance. Ids are those of people.sql."""

    balance = models.BigIntegerField()
    objects: models.Manager["Account"] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = 'twin"."account'


class Transfer(models.Model):  # noqa: DJ008
    """One movement, once per key."""

    key = models.UUIDField(unique=True)
    debit = models.ForeignKey(Account, models.DO_NOTHING, related_name="+", db_constraint=False)
    credit = models.ForeignKey(Account, models.DO_NOTHING, related_name="+", db_constraint=False)
    debit_amount = models.BigIntegerField()
    credit_amount = models.BigIntegerField()
    debit_balance_after = models.BigIntegerField()
    kind = models.SmallIntegerField()
    cause = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    objects: models.Manager["Transfer"] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = 'twin"."transfer'


def give(fan: int, creator: int) -> None:
    """Two of a fan's coins become one diamond of a creator's; promo coins would pay first."""
    transfer(
        uuid.uuid4(), coins=1_000_000 + fan, promo=2_000_000 + fan, payee=3_000_000 + creator, amount=2, amount_in=1
    )


@transaction.atomic
def transfer(key: uuid.UUID, *, coins: int, promo: int, payee: int, amount: int, amount_in: int) -> Any:
    """Post one movement once: the second time the first one is returned."""
    if earlier := Transfer.objects.filter(key=key).first():
        return earlier
    accounts = Account.objects.select_for_update().order_by("pk").in_bulk([coins, promo, payee])
    payer = accounts[promo] if accounts[promo].balance >= amount else accounts[coins]
    if payer.balance < amount:
        raise ValueError("insufficient funds")
    Account.objects.filter(pk=payer.pk).update(balance=F("balance") - amount)
    Account.objects.filter(pk=payee).update(balance=F("balance") + amount_in)
    return Transfer.objects.create(
        key=key,
        debit=payer,
        credit=accounts[payee],
        debit_amount=amount,
        credit_amount=amount_in,
        debit_balance_after=payer.balance - amount,
        kind=3,
        cause="gift:1",
    )
