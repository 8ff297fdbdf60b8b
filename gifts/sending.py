"""Coins are spent, diamonds are earned: sending a gift, once per key."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.formats import localize
from django.utils.translation import gettext as _

from coinshop.accounts import ages, pauses
from coinshop.accounts.models import User
from gifts.models import Creator, Gift, SentGift
from wallet import ledger
from wallet.ledger import TransferKind

QUANTITIES = [1, 10, 99, 365, 999]  # what the tray offers
MOST_AT_ONCE = 9_999


class NotSent(Exception):
    """A gift could not be sent, and nothing has moved."""


class MayNotSend(NotSent):
    """The sender may not send this, to this creator. `args[0]` tells them why and what to do."""


@dataclass
class TooFewCoins(NotSent):
    """The gift costs more than the sender has. `missing` coins would do."""

    cost: int
    missing: int


def send(sender: User, creator: Creator, gift: Gift, *, quantity: int, key: UUID) -> SentGift:
    """Send `quantity` of a gift; the sender's coins go down and the creator's diamonds up, in one transaction.

    Paid wholly from given coins when they suffice, else wholly from bought ones. `key` was made by the client: sent
    again, it is the same gift. Raises TooFewCoins, MayNotSend, and ledger.IdempotencyConflict when the key was used for
    another gift; then nothing has moved.
    """
    if earlier := SentGift.objects.filter(sender=sender, key=key).select_related("gift").first():
        return _same(earlier, creator, gift, quantity)
    _refuse(sender, creator, gift, quantity)
    try:
        return _post(sender, creator, gift, quantity, key)
    except ledger.InsufficientFunds:
        have, cost = ledger.balances(sender.pk), gift.coins * quantity
        raise TooFewCoins(cost=cost, missing=max(1, cost - have.coins)) from None


def diamonds_for(coins: int, *, is_promo: bool = False) -> int:
    """The creator's share of coins, in whole diamonds; a fraction stays with the house."""
    return coins * (settings.PROMO_SHARE_PERCENT if is_promo else settings.CREATOR_SHARE_PERCENT) // 100


def _same(earlier: SentGift, creator: Creator, gift: Gift, quantity: int) -> SentGift:
    if (earlier.creator_id, earlier.gift_id, earlier.quantity) != (creator.pk, gift.pk, quantity):
        raise ledger.IdempotencyConflict(f"key {earlier.key} sent another gift")
    return earlier


def _refuse(sender: User, creator: Creator, gift: Gift, quantity: int) -> None:
    if creator.pk == sender.pk:
        raise MayNotSend(_("This is your own page: gifts to yourself cannot be sent."))
    if not creator.may_earn:
        raise MayNotSend(_("%(name)s cannot receive gifts at the moment. Nothing was spent.") % {"name": creator.name})
    if not gift.is_on_sale:
        raise MayNotSend(_("This gift is no longer in the catalogue. Please choose another."))
    if not 1 <= quantity <= MOST_AT_ONCE:
        raise MayNotSend(_("Send between 1 and %(most)s at once.") % {"most": localize(MOST_AT_ONCE)})
    if objection := ages.objection_to(sender) or pauses.objection_to(sender):
        raise MayNotSend(objection)


@transaction.atomic
def _post(sender: User, creator: Creator, gift: Gift, quantity: int, key: UUID) -> SentGift:
    cost = gift.coins * quantity
    posted = ledger.post(
        TransferKind.GIFT,
        person=sender.pk,
        other=creator.pk,
        amount=cost,
        amount_in=diamonds_for(cost),
        promo_in=diamonds_for(cost, is_promo=True),
        key=ledger.client_key(sender.pk, "gift", key),
        cause=f"gift:{gift.pk}",
    )
    if not posted.is_new:  # the other of two taps was faster; its row is committed, because the ledger let us go on
        return _same(SentGift.objects.get(sender=sender, key=key), creator, gift, quantity)
    return SentGift.objects.create(
        key=key,
        sender=sender,
        creator=creator,
        gift=gift,
        quantity=quantity,
        coins=cost,
        diamonds=posted.amount_in,
        transfer_id=posted.transfer_id,
    )
