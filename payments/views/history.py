"""All orders of a buyer: to look through, to see what was spent, and to take along as a file."""

import csv
import re
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from coinshop import plots
from payments import history, money
from payments.history import Group, Part
from payments.models import Order
from payments.views.asking import person
from payments.views.buying import order_create
from payments.window import show


def orders(request: HttpRequest) -> HttpResponse:
    """The orders there are; posted to, a new one."""
    return order_create(request) if request.method == "POST" else _orders(request)


@login_required
@require_safe
def orders_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The orders that were asked for, as a file: amounts with a point, times in UTC."""
    part = _asked(request.GET)
    rows = _csv(part.of(person(request)).iterator(chunk_size=500))
    answer = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{"-".join(["orders", *_words(part).values()])}.csv"'
    return answer


@login_required
@require_safe
def _orders(request: HttpRequest) -> HttpResponse:
    buyer, part = person(request), _asked(request.GET)
    found, older = history.page(part, buyer, before=_order_named(request.GET.get("before", "")))
    context = {
        "rows": [_row(order) for order in found],
        "older_url": _url(part, before=str(older)) if older else "",
        "csv_url": reverse("payments:orders_csv") + _url(part),
        "groups": [{"value": each.value, "name": each.label, "is_chosen": each == part.group} for each in Group],
        "months": [
            {"value": f"{each:%Y-%m}", "name": date_format(each, "YEAR_MONTH_FORMAT"), "is_chosen": each == part.month}
            for each in history.months(buyer)
        ],
        "is_part": part != Part(),
        "plots": [
            {"currency": currency, "bars": _bars(paid, currency, buyer.country)}
            for currency, paid in sorted(history.paid_by_month(buyer).items())
        ],
    }
    return render(request, "payments/history.html", context)


def _asked(query: QueryDict) -> Part:
    """What is not offered is ignored."""
    group, month = query.get("state", ""), query.get("month", "")
    is_month = re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", month)
    return Part(
        Group(group) if group in Group.values else None, date.fromisoformat(f"{month}-01") if is_month else None
    )


def _words(part: Part) -> dict[str, str]:
    said = {"state": part.group.value if part.group else "", "month": f"{part.month:%Y-%m}" if part.month else ""}
    return {name: word for name, word in said.items() if word}


def _url(part: Part, **more: str) -> str:
    return "?" + urlencode(_words(part) | more)


def _order_named(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _row(order: Order) -> dict[str, Any]:
    given = getattr(order, "given_minor", 0)
    return {
        "order": order,
        "day": order.created_at,
        "price": show(order.price_minor, order.currency, order.country),
        "given": show(given, order.currency, order.country) if given else "",
    }


def _bars(paid: dict[date, int], currency: str, country: str) -> list[plots.Bar]:
    return plots.bars(
        [(date_format(month, "M"), minor, show(minor, currency, country)) for month, minor in paid.items()]
    )


class _Passing:
    """What csv.writer writes to: each row goes straight on."""

    def write(self, row: str) -> str:
        return row


def _csv(orders: Iterator[Order]) -> Iterator[str]:
    """Names are written without their @: with it, a spreadsheet takes a name for a formula."""
    writer = csv.writer(_Passing())
    yield writer.writerow(
        ["order", "ordered", "delivered", "state", "for", "coins", "bonus", "currency", "price", "tax", "given back"]
    )
    for order in orders:
        amounts = [order.price_minor, order.tax_minor, getattr(order, "given_minor", 0)]
        yield writer.writerow(
            [
                order.number,
                order.created_at.isoformat(),
                order.settled_at.isoformat() if order.settled_at else "",
                order.state,
                order.recipient.handle,
                order.coins,
                order.bonus,
                order.currency,
                *[money.to_major(amount, order.currency) for amount in amounts],
            ]
        )
