"""Each half minute: do orders, payments, events, the ledger and the balances of these minutes tell the same story?

The audit asks the same of everything, and takes its time. This looks at what moved lately, and again at whatever it
found before, so that an error is known within a minute.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from payments import findings, gateway
from payments.findings import Difference
from payments.models import Finding, Order, Outgoing, Payment, StripeEvent
from payments.models.duties import Progress
from wallet import ledger
from wallet.ledger import AccountKind, Recorded, TransferKind

RECENT = timedelta(minutes=10)
IN_TIME = timedelta(minutes=1)  # within which an event is worked on, or a request sent, when all is well
MOST_SALES = 10_000  # of the newest, among which those of these minutes are
MOST_WAITING = 20  # of each kind are named: when everything waits, the oldest say enough

What = Finding.What
KINDS = [
    *[What.NOT_CREDITED, What.NOT_PAID, What.NOT_DELIVERED, What.UNEXPLAINED_SALE, What.WRONG_AMOUNT],
    *[What.EVENT_WAITS, What.REQUEST_WAITS, What.WRONG_BALANCE],
]


def check(place: str) -> Progress:
    """Look, in one snapshot, and bring the findings up to date."""
    with ledger.snapshot():
        differences = [*_differences(timezone.now())]
    findings.report(differences, of=KINDS)
    return Progress()


def _differences(now: datetime) -> Iterator[Difference]:
    known = Finding.objects.filter(what__in=KINDS, gone_at=None)
    sales = _sales(now - RECENT, also=_ids(known, What.UNEXPLAINED_SALE))
    orders = _orders(now - RECENT, sales, known)
    yield from _wrong_credits(orders)
    yield from _unexplained(sales, orders)
    for order in orders:
        yield from _wrong_payments(order)
    yield from _late_events(now - IN_TIME)
    yield from _late_requests(now - IN_TIME)
    people = {person for order in orders for person in (order.buyer_id, order.recipient_id)}
    yield from _wrong_balances(people, also=_ids(known, What.WRONG_BALANCE))


def _ids(known: QuerySet[Finding], what: Finding.What) -> list[int]:
    """The ledger's own ids, which are the references of findings that are about no order."""
    return [int(reference) for reference in known.filter(what=what, order=None).values_list("reference", flat=True)]


def _sales(since: datetime, *, also: Collection[int]) -> list[Recorded]:
    issued = ledger.house(AccountKind.ISSUED)
    found = ledger.newest_from(issued, since, most=MOST_SALES, also=also)
    return [sale for sale in found if sale.kind == TransferKind.SALE]


def _orders(since: datetime, sales: list[Recorded], known: QuerySet[Finding]) -> list[Order]:
    """Orders that moved since, that something was sold for since, or that something was found about."""
    paid = Payment.objects.filter(recorded_at__gt=since).values("order")
    found = known.exclude(order=None).values("order")
    named = [order_id for sale in sales if (order_id := _order_of(sale))]
    moved = Q(created_at__gt=since) | Q(settled_at__gt=since) | Q(pk__in=paid) | Q(pk__in=found) | Q(pk__in=named)
    return [*Order.objects.filter(moved).prefetch_related("payments")]


def _order_of(sale: Recorded) -> UUID | None:
    try:
        return UUID(sale.cause.removeprefix("order:"))
    except ValueError:
        return None


def _wrong_credits(orders: list[Order]) -> Iterator[Difference]:
    """Delivered orders whose coins or money are not in the ledger, and others for which some are."""
    posted = ledger.posted([(order.recipient_id, key) for order in orders for key, *_ in _due_to(order)])
    for order in orders:
        for key, part, amount, unit in _due_to(order):
            expected = amount if order.is_settled else 0
            found = posted[key].amount_in if key in posted else 0
            if found != expected:
                what = What.NOT_CREDITED if order.is_settled else What.UNEXPLAINED_SALE
                detail = f"order {order.number} is {order.state}, and the ledger has {found} {unit} of {part} for it"
                yield _about(order, what, part, detail, expected=expected, found=found, unit=unit)


def _due_to(order: Order) -> list[tuple[UUID, str, int, str]]:
    """What the delivery of an order posts: under which key, what it is, how much arrives and of what unit."""
    return [
        (order.key("sale"), "the sale", order.coins, "coins"),
        (order.key("bonus"), "the bonus", order.bonus, "coins"),
        (order.key("MONEY_SOLD"), "the price", order.net_minor, order.currency),
        (order.key("MONEY_TAXED"), "the tax", order.tax_minor, order.currency),
    ]


def _unexplained(sales: list[Recorded], orders: list[Order]) -> Iterator[Difference]:
    """Sales that are not the one sale of an order."""
    expected = {order.key("sale") for order in orders}
    for sale in sales:
        if sale.key not in expected:
            detail = f"transfer {sale.id} sold {sale.amount_in} coins to person {sale.home} for {sale.cause}"
            yield Difference(
                what=What.UNEXPLAINED_SALE,
                reference=str(sale.id),
                detail=f"{detail}, which is not what an order sells",
                expected=0,
                found=sale.amount_in,
                unit="coins",
            )


def _wrong_payments(order: Order) -> Iterator[Difference]:
    """Money that came and did not settle its order, settled it wrongly, or waits for a person to look at it."""
    price = {"expected": order.price_minor, "unit": order.currency}
    settling = [payment for payment in order.payments.all() if payment.settles]
    for payment in settling:
        paid = f"{payment.amount_minor} {payment.currency} were paid by {payment.intent_id}"
        if not order.is_settled:
            detail = f"{paid}, and order {order.number} is {order.state}"
            yield _about(order, What.NOT_DELIVERED, payment.intent_id, detail, found=payment.amount_minor, **price)
        is_as_agreed = (payment.amount_minor, payment.currency) == (order.price_minor, order.currency)
        if not is_as_agreed and not payment.disagreement:  # with one, a person has decided to deliver for it
            detail = f"{paid} for order {order.number} of {order.price_minor} {order.currency}"
            yield _about(order, What.WRONG_AMOUNT, payment.intent_id, detail, found=payment.amount_minor, **price)
    if order.is_settled and not settling:
        detail = f"order {order.number} of {order.price_minor} {order.currency} is delivered, and nobody paid for it"
        yield _about(order, What.NOT_PAID, "", detail, found=0, **price)
    for payment in order.payments.all():
        if payment.is_to_look_at:
            detail = f"{payment.intent_id} for order {order.number}: {payment.disagreement}"
            yield _about(order, What.WRONG_AMOUNT, payment.intent_id, detail, found=payment.amount_minor, **price)


def _about(order: Order, what: Finding.What, part: str, detail: str, **figures: Any) -> Difference:
    return Difference(
        what=what, reference=f"{order.number} {part}".strip(), detail=detail[:500], order_id=order.pk, **figures
    )


def _late_events(before: datetime) -> Iterator[Difference]:
    waiting = Q(state=StripeEvent.State.RECEIVED, received_at__lt=before) | Q(state=StripeEvent.State.DEAD)
    for event in StripeEvent.objects.filter(waiting).order_by("received_at")[:MOST_WAITING]:
        order = Order.objects.filter(session_id=gateway.session_of(event.payload) or None).first()
        yield Difference(
            what=What.EVENT_WAITS,
            reference=event.pk,
            detail=f"{event.type} is {event.get_state_display()}: {event.remark or 'nobody has tried'}"[:500],
            order_id=order.pk if order else None,
        )


def _late_requests(before: datetime) -> Iterator[Difference]:
    waiting = Q(state=Outgoing.State.WAITING, written_at__lt=before) | Q(state=Outgoing.State.DEAD)
    for row in Outgoing.objects.filter(waiting).order_by("written_at")[:MOST_WAITING]:
        detail = f"{row} is {row.get_state_display()}: {row.remark or 'nobody has tried'}"[:500]
        yield Difference(what=What.REQUEST_WAITS, reference=str(row.key), detail=detail)


def _wrong_balances(people: Collection[int], *, also: Collection[int]) -> Iterator[Difference]:
    for wrong in ledger.unbalanced(people, also):
        yield Difference(
            what=What.WRONG_BALANCE,
            reference=str(wrong.account),
            detail=f"{wrong.kind} of person {wrong.person}: the balance says {wrong.says}, its transfers "
            f"{wrong.adds_up_to}",
            expected=wrong.adds_up_to,
            found=wrong.says,
            unit="diamonds" if wrong.kind.startswith("diamonds") else "coins",
        )
