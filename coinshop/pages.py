"""Pages that need both what was bought and what was given, and answers that belong to no app."""

import csv
import re
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required, permission_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from coinshop import evidence
from coinshop.accounts import pauses
from coinshop.accounts.models import User
from coinshop.asked import Asked, Offer
from gifts.models import Creator, SentGift
from payments import disputes, tracker
from payments.models import Dispute, Order
from payments.views.asking import SeeOther
from wallet import ledger
from wallet.ledger import AccountKind, Line, TransferKind

LINES = 30
ORDERS = 10
OF_AN_ORDER = re.compile(r"order:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

ACCOUNTS = {
    AccountKind.COINS: ledger.coins_of,
    AccountKind.PROMO: ledger.promo_of,
    AccountKind.DIAMONDS: ledger.diamonds_of,
}


@login_required
@require_safe
def wallet(request: HttpRequest) -> HttpResponse:
    """Balances, a statement of one account with its running balance, all of it or a part, and the orders."""
    person = request.user
    assert isinstance(person, User)
    have = ledger.balances(person.pk)
    is_creator = Creator.objects.filter(pk=person.pk).exists()
    kind = _chosen_account(request, have, is_creator)
    account = ACCOUNTS[kind](person.pk)
    offer = Offer.of(kind, account, is_creator=is_creator)
    asked = offer.pick(kind, request.GET)
    page = ledger.page(account, asked.filter, before=_before(request, account), limit=LINES)
    context = {
        "coins": have.coins,
        "promo": have.promo,
        "owed": -have.receivable,
        "on_hold": pauses.objection_to(person),
        "diamonds": have.diamonds if is_creator else None,
        "rows": _rows(page.lines, person),
        "tabs": _tabs(kind, have, is_creator),
        "account": kind.value,
        "choices": offer.options(asked),
        "chosen": asked.chosen(),
        "older_url": _older(asked, account, page.older),
        "everything_url": Asked(kind).url(),
        "csv_url": reverse("wallet_csv") + asked.url(),
        "orders": [_order(order) for order in person.orders.order_by("-created_at")[:ORDERS]],
    }
    return render(request, "wallet/wallet.html", context)


@permission_required("payments.view_dispute", raise_exception=True)
@require_safe
def evidence_pack(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """All that we can show a bank, to read, to print, and to hand in."""
    dispute = get_object_or_404(Dispute.objects.select_related("order__buyer", "order__recipient"), pk=dispute_id)
    return render(request, "payments/evidence.html", evidence.shown(evidence.pack_of(dispute)))


@permission_required("payments.change_dispute", raise_exception=True)
@require_POST
def evidence_submit(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Hand it in. The texts are composed now, and kept as they were."""
    dispute = get_object_or_404(Dispute.objects.select_related("order__buyer", "order__recipient"), pk=dispute_id)
    assert isinstance(request.user, User)
    try:
        disputes.submit(dispute, evidence.fields_of(evidence.pack_of(dispute)), by=request.user)
    except disputes.NotSubmittable as problem:
        messages.error(request, str(problem))
    else:
        LogEntry.objects.log_actions(request.user.pk, [dispute], CHANGE, "evidence handed in", single_object=True)
        messages.success(request, _("The evidence is on its way to the bank."))
    return SeeOther(reverse("evidence_pack", args=[dispute.pk]))


@login_required
@require_safe
def wallet_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The statement of one account, or the part that was asked for, oldest first, streamed.

    However long it is, it needs no more memory.
    """
    person = request.user
    assert isinstance(person, User)
    is_creator = Creator.objects.filter(pk=person.pk).exists()
    kind = _chosen_account(request, ledger.balances(person.pk), is_creator)
    account = ACCOUNTS[kind](person.pk)
    asked = Offer.of(kind, account, is_creator=is_creator).pick(kind, request.GET)
    answer = StreamingHttpResponse(_csv(ledger.lines_of(account, asked.filter)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{"-".join(asked.words.values())}.csv"'
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


class _Passing:
    """What csv.writer writes to: each row goes straight on."""

    def write(self, row: str) -> str:
        return row


def _csv(lines: Iterator[Line]) -> Iterator[str]:
    """Figures and our own words only: nothing in it was typed by anybody, so no cell can be a formula."""
    writer = csv.writer(_Passing())
    yield writer.writerow(["time", "transfer", "kind", "amount", "balance", "cause"])
    for line in lines:
        kind = line.kind.name.lower()
        yield writer.writerow(
            [line.at.isoformat(), line.transfer_id, kind, line.amount, line.balance_after, line.cause]
        )


def _chosen_account(request: HttpRequest, have: ledger.Balances, is_creator: bool) -> AccountKind:
    asked = request.GET.get("account", "")
    offered = [kind for kind, _label in _offered(have, is_creator)]
    return AccountKind(asked) if asked in offered else AccountKind.COINS


def _offered(have: ledger.Balances, is_creator: bool) -> list[tuple[AccountKind, str]]:
    tabs = [(AccountKind.COINS, _("Coins")), (AccountKind.PROMO, _("Bonus coins"))]
    return [*tabs, (AccountKind.DIAMONDS, _("Diamonds"))] if is_creator or have.diamonds else tabs


def _tabs(current: AccountKind, have: ledger.Balances, is_creator: bool) -> list[dict[str, Any]]:
    return [
        {"name": label, "url": f"?account={kind.value}", "is_current": kind == current}
        for kind, label in _offered(have, is_creator)
    ]


def _older(asked: Asked, account: int, place: ledger.Position | None) -> str:
    """The next page's address carries its position, signed, so that no page adds up what came before it."""
    if place is None:
        return ""
    return asked.url(before=signing.dumps([place.transfer_id, place.balance], salt=f"statement {account}"))


def _before(request: HttpRequest, account: int) -> ledger.Position | None:
    try:
        place = signing.loads(request.GET.get("before", ""), salt=f"statement {account}")
    except signing.BadSignature:
        return None
    return ledger.Position(*place)


def _rows(lines: list[Line], person: User) -> list[dict[str, Any]]:
    """Lines of the ledger, told with the orders and gifts that caused them."""
    gifts = SentGift.objects.filter(
        transfer_id__in=[line.transfer_id for line in lines if line.kind == TransferKind.GIFT]
    )
    sent = {gift.transfer_id: gift for gift in gifts.select_related("gift", "sender", "creator__person")}
    bought = [named[1] for line in lines if (named := OF_AN_ORDER.fullmatch(line.cause))]
    orders = {f"order:{order.pk}": order for order in Order.objects.filter(pk__in=bought).select_related("buyer")}
    return [_row(line, sent.get(line.transfer_id), orders.get(line.cause), person) for line in lines]


def _row(line: Line, sent: SentGift | None, order: Order | None, person: User) -> dict[str, Any]:
    row = {
        "amount": line.amount,
        "balance_after": line.balance_after,
        "at": line.at,
        "day": timezone.localdate(line.at),
    }
    if sent:
        return row | _told_gift(line, sent)
    is_card = line.cause.startswith("gift_card:")
    return row | {
        "title": _("Gift card") if is_card else capfirst(line.kind.label),
        "detail": _detail(order, person) if order else "",
        "url": reverse("payments:order", args=[order.pk]) if order and order.buyer_id == person.pk else "",
        "picture": "",
        "icon": "plus",
        "tone": "is-good",
    }


def _detail(order: Order, person: User) -> str:
    """The order's number for its buyer; for somebody else, who bought it for them."""
    if order.buyer_id == person.pk:
        return order.number
    return _("from @%(handle)s") % {"handle": order.buyer.handle}


def _told_gift(line: Line, sent: SentGift) -> dict[str, Any]:
    title = f"{localize(sent.quantity)} × {sent.gift}" if sent.quantity > 1 else str(sent.gift)
    if line.amount < 0:
        detail = _("to @%(handle)s") % {"handle": sent.creator.person.handle}
        url = reverse("gifts:creator", args=[sent.creator.person.handle])
    else:
        coins = ngettext("%(coins)s coin", "%(coins)s coins", sent.coins) % {"coins": localize(sent.coins)}
        detail, url = _("from @%(handle)s, %(coins)s") % {"handle": sent.sender.handle, "coins": coins}, ""
    return {
        "title": title,
        "detail": detail,
        "url": url,
        "picture": static(sent.gift.picture_path),
        "icon": "",
        "tone": "",
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "url": reverse("payments:order", args=[order.pk]),
        "at": order.created_at,
        "coins": order.total_coins,
        "price": tracker.price_of(order),
        "state": order.get_state_display(),
        "is_settled": order.is_settled,
        "receipt_url": reverse("payments:receipt", args=[order.pk]) if order.is_settled else "",
    }
