"""What we can show a bank about a disputed payment: what was bought, who used it, from where, and for what."""

from dataclasses import dataclass
from typing import Any

from django.utils import translation

from coinshop.accounts.models import SignIn
from gifts.models import SentGift
from payments import money
from payments.models import Dispute, Order, TimelineEntry
from payments.revenue import net_prices
from wallet import ledger
from wallet.ledger import TransferKind

FIELD = 20_000  # characters that the provider takes in one field


# What helps the buyer and our support, and says nothing about whether this payment was theirs.
OUR_OWN_NOTES = [TimelineEntry.What.DECLINED, TimelineEntry.What.ABROAD]


@dataclass(frozen=True)
class Pack:
    """The facts, for the page that shows them and for the texts that the bank reads."""

    dispute: Dispute
    order: Order
    timeline: list[TimelineEntry]
    sale_id: int | None
    sign_ins: list[SignIn]
    gifts: list[SentGift]

    @property
    def purchase_address(self) -> str:
        """Where the buyer had signed in from when they ordered."""
        before = [sign_in.address for sign_in in self.sign_ins if sign_in.at <= self.order.created_at]
        return next((address for address in reversed(before) if address), "")


def pack_of(dispute: Dispute) -> Pack:
    """Everything that we know about what a disputed payment bought."""
    order = dispute.order
    sale_id = _sale_of(order)
    return Pack(
        dispute=dispute,
        order=order,
        timeline=[*order.timeline.exclude(what__in=OUR_OWN_NOTES)],
        sale_id=sale_id,
        sign_ins=[*order.buyer.sign_ins.all()],
        gifts=_gifts_sent_with(order, sale_id) if sale_id else [],
    )


def _sale_of(order: Order) -> int | None:
    rows = ledger.movements([order.recipient_id], f"order:{order.pk}")
    return next((row.id for row in rows if row.kind == TransferKind.SALE), None)


def _gifts_sent_with(order: Order, sale_id: int) -> list[SentGift]:
    """Gifts that coins of this order paid for: coins are spent oldest first, as the ledger's lots say."""
    taken = ledger.book_of(order.recipient_id, net_prices, whole=True).taken
    spent = [number for number, portions in taken.items() if any(portion.lot == sale_id for portion in portions)]
    sent = SentGift.objects.filter(sender=order.recipient_id, transfer_id__in=spent)
    return [*sent.select_related("gift", "creator__person").order_by("transfer_id")]


def fields_of(pack: Pack) -> dict[str, str]:
    """The provider's fields, in English, which every bank reads. https://docs.stripe.com/api/disputes/evidence_object"""
    with translation.override("en"):
        fields = {
            "customer_email_address": pack.order.buyer.email,
            "customer_purchase_ip": pack.purchase_address,
            "service_date": f"{pack.order.settled_at:%Y-%m-%d}" if pack.order.settled_at else "",
            "product_description": _product(pack.order),
            "access_activity_log": _cut(_activity(pack)),
            "uncategorized_text": _cut(_story(pack)),
        }
    return {name: text for name, text in fields.items() if text}


def _product(order: Order) -> str:
    price = money.display(order.price_minor, order.currency, language="en", country=order.country)
    return (
        f"{order.coins} coins and {order.bonus} bonus coins for {price}, delivered at once to the account "
        f"@{order.recipient.handle} on our site. Coins are spent there on gifts to creators. Order {order.number}."
    )


def _activity(pack: Pack) -> list[str]:
    signed_in = [(row.at, f"signed in from {row.address or 'unknown'} ({row.user_agent})") for row in pack.sign_ins]
    gave = [(sent.sent_at, _gift(sent)) for sent in pack.gifts]
    return [f"{at:%Y-%m-%d %H:%M:%S} UTC: {what}" for at, what in sorted([*signed_in, *gave], key=lambda line: line[0])]


def _gift(sent: SentGift) -> str:
    creator = sent.creator.person.handle
    return (
        f"sent {sent.quantity} x {sent.gift.name} for {sent.coins} coins of this purchase to @{creator} "
        f"(ledger {sent.transfer_id})"
    )


def _story(pack: Pack) -> list[str]:
    head = f"Order {pack.order.number} of @{pack.order.buyer.handle}, delivered as ledger entry {pack.sale_id}."
    return [
        head,
        *(f"{row.at:%Y-%m-%d %H:%M:%S} UTC: {row.get_what_display()} {row.reference}" for row in pack.timeline),
    ]


def _cut(lines: list[str]) -> str:
    """The newest lines that fit into a field, whole ones only."""
    kept: list[str] = []
    for line in reversed(lines):
        if sum(len(each) + 1 for each in kept) + len(line) > FIELD:
            break
        kept.append(line)
    return "\n".join(reversed(kept))


def shown(pack: Pack) -> dict[str, Any]:
    """What the page needs."""
    return {"pack": pack, "order": pack.order, "dispute": pack.dispute, "texts": fields_of(pack)}
