"""Each night: the provider's own account of our money, line by line, beside ours.

Reading comes first and enters every line in the ledger; what we had not heard of is heard of then: a payment of one of
our orders settles it, a refund or dispute takes its coins. Comparing comes last, and names each difference by its order
and its amount.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from payments import aftermath, bookkeeping, findings, gateway, settlement
from payments.findings import Difference
from payments.gateway import BalanceEntry
from payments.models import BalanceTransaction, Dispute, Finding, Order, Payment, Refund
from payments.models.duties import Progress
from wallet import ledger
from wallet.ledger import AccountKind, LedgerError

log = logging.getLogger(__name__)

AT_ONCE = 200  # lines, so that duties which are due each half minute need not wait long
OVERLAP = timedelta(days=2)  # read again each night, should a line have entered the list late
GRACE = timedelta(hours=2)  # for so long a payment may be known to us and not to the provider's balance
TELLS = timedelta(days=30)  # for so long it is told that we had not heard of something
PAYMENTS = ["charge"]
REFUNDS = ["refund", "refund_failure"]
DISPUTES = ["dispute", "dispute_reversal"]
KNOWN = {*PAYMENTS, *REFUNDS, *DISPUTES} | bookkeeping.BANK | bookkeeping.FEES

What = Finding.What
KINDS = [
    *[What.UNKNOWN_PAYMENT, What.MISSING_PAYMENT, What.UNKNOWN_REFUND, What.MISSING_REFUND, What.UNKNOWN_DISPUTE],
    *[What.OTHER_AMOUNT, What.ODD_FEE, What.UNKNOWN_ENTRY, What.OPEN_CLEARING, What.OTHER_BALANCE],
]


def reconcile(place: str) -> Progress:
    """Read the next lines after `place`, the id of one; at the end of the list compare. Raises gateway.ProviderAway."""
    held = gateway.balance()
    count = 0
    for entry in islice(gateway.balance_entries_after(place), AT_ONCE if place else None):
        read(entry)
        place, count = entry.id, count + 1
    if count == AT_ONCE:
        return Progress(place, is_over=False)
    # What moved while we read may be in the one figure and not in the others: then the balance is compared tomorrow.
    is_still = gateway.balance() == held
    with ledger.snapshot() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # nobody waits for it, and it reads all that ever was
        differences = [*_differences(timezone.now(), held if is_still else None)]
    findings.report(differences, of=KINDS)
    return Progress(_overlap())


def _overlap() -> str:
    """Where to begin the next night: before the last days' lines."""
    newest = BalanceTransaction.objects.order_by("-created_at").values_list("created_at", flat=True).first()
    older = BalanceTransaction.objects.filter(created_at__lt=newest - OVERLAP) if newest else None
    return (older and older.order_by("-created_at").values_list("pk", flat=True).first()) or ""


def read(entry: BalanceEntry) -> None:
    """Keep a line of the provider's balance and enter it in the ledger, once."""
    if BalanceTransaction.objects.filter(pk=entry.id).exists():
        return
    was_unknown = not _is_known(entry)
    if was_unknown:
        _hear_of(entry)
    order = _order_of(entry)
    facts = {name: value for name, value in vars(entry).items() if name != "id"}
    try:
        with transaction.atomic():
            _, is_new = BalanceTransaction.objects.get_or_create(
                pk=entry.id, defaults=facts | {"order": order, "was_unknown": was_unknown}
            )
            if is_new:
                bookkeeping.enter(entry, order)
    except LedgerError:  # the balance will differ by it, and tomorrow it is tried again
        log.exception("%s cannot be entered in the ledger", entry)


def _is_known(entry: BalanceEntry) -> bool:
    """Have we heard of what this line is about, as far as it has come?"""
    if entry.category in PAYMENTS:
        return _payment_of(entry.intent_id) is not None
    refund = Refund.objects.filter(stripe_id=entry.source_id).first() if entry.category in REFUNDS else None
    dispute = Dispute.objects.filter(stripe_id=entry.source_id).first() if entry.category in DISPUTES else None
    match entry.category:
        case "refund":
            return refund is not None
        case "refund_failure":
            return refund is not None and refund.status in Refund.OVER
        case "dispute":
            return dispute is not None and (dispute.is_withdrawn or dispute.is_over)
        case "dispute_reversal":
            return dispute is not None and not dispute.takes
    return True


def _hear_of(entry: BalanceEntry) -> None:
    """What no event told us about a payment of ours is done now, as if one had. Raises gateway.ProviderAway."""
    if entry.intent_id and entry.category in PAYMENTS:
        evidence = gateway.checkout_of(entry.intent_id)
        if evidence:
            settlement.follow(evidence)
    elif entry.intent_id:
        aftermath.look(entry.intent_id)


def _order_of(entry: BalanceEntry) -> Order | None:
    payment = _payment_of(entry.intent_id)
    return payment.order if payment else None


def _payment_of(intent_id: str) -> Payment | None:
    """Our row of a payment. Money that names two orders has two, of which one at most is good."""
    rows = Payment.objects.select_related("order").filter(intent_id=intent_id or None).order_by("pk")
    return rows.filter(Payment.GOOD).first() or rows.first()


def _differences(now: datetime, held: dict[str, int] | None) -> Iterator[Difference]:
    yield from _unheard(now - TELLS)
    yield from _missing_payments(now - GRACE)
    yield from _missing_refunds(now - GRACE)
    yield from _other_amounts(now - TELLS)
    yield from _other_refunds(now - TELLS)
    yield from _odd_fees(now - TELLS)
    yield from _unknown_entries(now - TELLS)
    yield from _open_clearing(now - timedelta(days=settings.CLEARING_DAYS))
    if held is not None:
        yield from _other_balance(held)


def _unheard(since: datetime) -> Iterator[Difference]:
    """What reconciliation was the first to hear of. Something about no order of ours is told for as long as it is."""
    told = Q(order=None) | Q(created_at__gt=since)
    for what, categories, verb in [
        (What.UNKNOWN_PAYMENT, PAYMENTS, "were paid"),
        (What.UNKNOWN_REFUND, REFUNDS, "were given back, or came back,"),
        (What.UNKNOWN_DISPUTE, DISPUTES, "were disputed, or decided for us,"),
    ]:
        for line in _lines(categories).filter(told, was_unknown=True):
            became = (
                f"order {line.order.number} is {line.order.state} now" if line.order else "no order of ours is named"
            )
            detail = f"{line.gross_minor} {line.gross_currency} {verb} by {line.source_id}, and {became}"
            yield _about(line, what, line.pk, detail, found=line.gross_minor)


def _missing_payments(before: datetime) -> Iterator[Difference]:
    theirs = BalanceTransaction.objects.filter(intent_id=OuterRef("intent_id"), category__in=PAYMENTS)
    missing = Payment.objects.filter(~Exists(theirs), recorded_at__lt=before, intent_id__startswith="pi_")
    for payment in missing.select_related("order"):
        paid = f"{payment.amount_minor} {payment.currency} for order {payment.order.number}"
        yield Difference(
            what=What.MISSING_PAYMENT,
            reference=payment.intent_id,
            detail=f"{paid} never reached the balance that the provider keeps for us",
            order_id=payment.order_id,
            expected=payment.amount_minor,
            found=0,
            unit=payment.currency,
        )


def _missing_refunds(before: datetime) -> Iterator[Difference]:
    theirs = BalanceTransaction.objects.filter(source_id=OuterRef("stripe_id"), category="refund")
    done = Refund.objects.filter(status=Refund.Status.SUCCEEDED, created_at__lt=before)
    for refund in done.filter(~Exists(theirs)).select_related("order"):
        given = f"{refund.amount_minor} {refund.currency} of order {refund.order.number}"
        yield Difference(
            what=What.MISSING_REFUND,
            reference=str(refund),
            detail=f"{given} were given back, and never left the balance that the provider keeps for us",
            order_id=refund.order_id,
            expected=refund.amount_minor,
            found=0,
            unit=refund.currency,
        )


def _other_amounts(since: datetime) -> Iterator[Difference]:
    ours = Payment.objects.filter(intent_id=OuterRef("intent_id"))
    same = ours.filter(amount_minor=OuterRef("gross_minor"), currency=OuterRef("gross_currency"))
    for line in _lines(PAYMENTS).filter(Exists(ours), ~Exists(same), created_at__gt=since):
        payment = _payment_of(line.intent_id)
        assert payment  # there is one, says the query
        detail = (
            f"the provider has {line.gross_minor} {line.gross_currency} for order {payment.order.number}, "
            f"we have {payment.amount_minor} {payment.currency}"
        )
        expected = payment.amount_minor
        yield _about(line, What.OTHER_AMOUNT, line.intent_id, detail, expected=expected, found=line.gross_minor)


def _other_refunds(since: datetime) -> Iterator[Difference]:
    ours = {refund.stripe_id: refund for refund in Refund.objects.filter(created_at__gt=since)}
    for line in _lines(["refund"]).filter(source_id__in=ours.keys()):
        refund, given = ours[line.source_id], -line.gross_minor
        if (refund.amount_minor, refund.currency) != (given, line.gross_currency):
            detail = (
                f"the provider gave back {given} {line.gross_currency} by {line.source_id}, "
                f"we have {refund.amount_minor} {refund.currency}"
            )
            yield _about(line, What.OTHER_AMOUNT, line.source_id, detail, expected=refund.amount_minor, found=given)


def _odd_fees(since: datetime) -> Iterator[Difference]:
    """Fees beyond a tenth of the payment and a hundred minor units, a fee for a refund, and one that is no fee."""
    dear = Q(category__in=PAYMENTS, fee_minor__gt=F("amount_minor") / 10 + 100)
    negative = Q(category__in=PAYMENTS, fee_minor__lt=0)
    for_a_refund = Q(category__in=REFUNDS) & ~Q(fee_minor=0)
    odd = dear | negative | for_a_refund
    for line in BalanceTransaction.objects.select_related("order").filter(odd, created_at__gt=since):
        detail = f"{line.kind} {line.source_id} of {line.amount_minor} cost {line.fee_minor} {line.currency}"
        yield _about(line, What.ODD_FEE, line.pk, detail, found=line.fee_minor, unit=line.currency)


def _unknown_entries(since: datetime) -> Iterator[Difference]:
    lines = BalanceTransaction.objects.select_related("order").exclude(category__in=KNOWN)
    for line in lines.filter(created_at__gt=since):
        detail = f"{line.kind} {line.source_id} of {line.amount_minor} {line.currency}"
        yield _about(line, What.UNKNOWN_ENTRY, line.pk, detail, found=line.net_minor, unit=line.currency)


def _lines(categories: list[str]) -> QuerySet[BalanceTransaction]:
    return BalanceTransaction.objects.select_related("order").filter(category__in=categories)


def _about(line: BalanceTransaction, what: Finding.What, reference: str, detail: str, **figures: Any) -> Difference:
    facts = {"unit": line.gross_currency} | figures
    return Difference(what=what, reference=reference, detail=detail[:500], order_id=line.order_id, **facts)


def _open_clearing(before: datetime) -> Iterator[Difference]:
    """Orders whose money went one way only, and nothing has happened about it since."""
    for left in ledger.left_over(AccountKind.CLEARING, before):
        order = Order.objects.filter(pk=order_id).first() if (order_id := _order_id(left.cause)) else None
        name = f"order {order.number}" if order else left.cause
        missing = "was sold and did not arrive" if left.amount < 0 else "arrived and was neither sold nor given back"
        yield Difference(
            what=What.OPEN_CLEARING,
            reference=f"{left.cause} {left.currency}",
            detail=f"{name}: {abs(left.amount)} {left.currency} {missing}",
            order_id=order.pk if order else None,
            expected=0,
            found=left.amount,
            unit=left.currency,
        )


def _order_id(cause: str) -> UUID | None:
    try:
        return UUID(cause.removeprefix("order:"))
    except ValueError:
        return None


def _other_balance(held: dict[str, int]) -> Iterator[Difference]:
    ours = {total.unit: -total.balance for total in ledger.totals_of(AccountKind.STRIPE_BALANCE)}
    for currency in sorted(held.keys() | ours.keys()):
        theirs, known = held.get(currency, 0), ours.get(currency, 0)
        if theirs != known:
            yield Difference(
                what=What.OTHER_BALANCE,
                reference=currency,
                detail=f"the provider says it holds {theirs} {currency} for us, the books say {known}",
                expected=known,
                found=theirs,
                unit=currency,
            )
