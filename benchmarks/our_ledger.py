"""A gift through wallet.ledger, as the site sends it."""

import uuid

import django

django.setup()

from wallet import ledger  # noqa: E402 - there are no models before setup
from wallet.ledger import Move, TransferKind  # noqa: E402


def give(fan: int, creator: int) -> None:
    """Two of a fan's coins become one diamond of a creator's; promo coins would pay first."""
    ledger.transfer(
        Move(
            debit=1_000_000 + fan,
            credit=3_000_000 + creator,
            amount=2,
            amount_in=1,
            rather=2_000_000 + fan,
            rather_in=0,
        ),
        home=fan,
        key=uuid.uuid4(),
        kind=TransferKind.GIFT,
        cause="gift:1",
    )
