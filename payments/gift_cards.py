"""Gift cards: made in batches by one person, approved by another, and redeemed once each.

Their coins are given, not sold: promotional coins, which no refund turns into money. We keep a hash of each code only.
A code has 16 of 30 letters, 78 bits, so neither guessing nor trying all hashes finds one.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coinshop.accounts import ages, pauses
from coinshop.accounts.models import User
from payments import guesses
from payments.models import GiftCard, GiftCardBatch
from payments.models.orders import READABLE
from wallet import ledger
from wallet.ledger import TransferKind

LETTERS = 16


class NotRedeemable(Exception):
    """A card cannot be redeemed. `args[0]` says why to the person, and what to do."""


@dataclass(frozen=True)
class Sheet:
    """A new batch with its codes, to be printed: nobody can ever see them again."""

    batch: GiftCardBatch
    codes: list[str]


def issue(*, name: str, coins: int, count: int, by: User, valid_until: datetime | None = None) -> Sheet:
    """Make a batch of `count` cards, each worth so many whole coins once somebody else has approved it."""
    codes = [_new_code() for _nth in range(count)]
    with transaction.atomic():
        batch = GiftCardBatch.objects.create(name=name, coins=coins, created_by=by, valid_until=valid_until)
        cards = [GiftCard(batch=batch, code_hash=_hash(code), last_four=code[-4:]) for code in codes]
        GiftCard.objects.bulk_create(cards)
    return Sheet(batch, ["-".join(code[start : start + 4] for start in range(0, LETTERS, 4)) for code in codes])


def approve(batch: GiftCardBatch, *, by: User) -> bool:
    """Let a batch be redeemed. False, and nothing, for whoever made it, and when somebody approved it before."""
    waiting = GiftCardBatch.objects.filter(pk=batch.pk, approved_at=None).exclude(created_by=by)
    return bool(waiting.update(approved_by=by, approved_at=timezone.now()))


def stop(batch: GiftCardBatch) -> bool:
    """Let no more cards of a batch be redeemed: lost, stolen, or printed wrongly. What was redeemed stays."""
    return bool(GiftCardBatch.objects.filter(pk=batch.pk, stopped_at=None).update(stopped_at=timezone.now()))


def redeem(code: str, *, by: User, network: str) -> GiftCard:
    """Give somebody the coins of a card. Said again by the same person it changes nothing. `network` is its mark.

    Raises NotRedeemable, and guesses.TooManyGuesses for somebody who searches for codes.
    """
    if objection := ages.objection_to(by) or pauses.objection_to(by):
        raise NotRedeemable(objection)
    found = guesses.look_up(lambda: GiftCard.objects.filter(code_hash=_hash(code)).first(), person=by, network=network)
    if found is None:
        raise NotRedeemable(
            _("We do not know this code. Check each letter: there is no zero, no one, and no O, I or L.")
        )
    with transaction.atomic():
        card = GiftCard.objects.select_for_update(of=["self"]).select_related("batch").get(pk=found.pk)
        if card.redeemed_by_id == by.pk:
            return card
        if objection := _objection_to(card):
            raise NotRedeemable(objection)
        card.redeemed_by, card.redeemed_at = by, timezone.now()
        card.save(update_fields=["redeemed_by", "redeemed_at"])
        ledger.post(
            TransferKind.BONUS,
            person=by.pk,
            amount=card.batch.coins,
            key=ledger.key_of("gift card", card.pk),
            cause=f"gift_card:{card.pk}",
        )
    return card


def _objection_to(card: GiftCard) -> str:
    if card.redeemed_by_id:
        return _("This card was redeemed before, by somebody else. Ask whoever gave it to you.")
    if not card.batch.is_good:
        return _("This card is not good at the moment. Ask whoever gave it to you.")
    if card.batch.valid_until and card.batch.valid_until <= timezone.now():
        until = date_format(timezone.localtime(card.batch.valid_until), "DATETIME_FORMAT")
        return _("This card could be redeemed until %(moment)s.") % {"moment": until}
    return ""


def _new_code() -> str:
    return "".join(secrets.choice(READABLE) for _nth in range(LETTERS))


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
