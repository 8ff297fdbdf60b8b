"""Orders with everything that happened to them, and the cases that people opened about them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from coinshop.accounts.models import User
from coinshop.console import ReadOnlyAdmin
from payments import cases, money, settlement
from payments.admin.money import amount_of
from payments.gateway import ProviderAway, ProviderRefused
from payments.models import (
    Case,
    Dispute,
    Order,
    Payment,
    Refund,
    TimelineEntry,
)

TOLD = ["code", "country", "reason", "kind", "why"]  # what the provider said beside a fact, in its own words


class TimelineInline(admin.TabularInline):
    model = TimelineEntry
    fields = ["at", "what", "told", "reference"]
    readonly_fields = ["at", "what", "told", "reference"]
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return request.user.has_perm("payments.view_order")

    def has_add_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    @admin.display(description=_("what the provider said"))
    def told(self, entry: TimelineEntry) -> str:
        return ", ".join(str(entry.detail[name]) for name in TOLD if entry.detail.get(name))


class PaymentInline(admin.StackedInline):
    model = Payment
    readonly_fields = [
        *["recorded_at", "intent_id", "amount_minor", "currency", "is_surplus", "disagreement"],
        *["decision", "decided_by", "decision_reason", "give_back"],
    ]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Order | None = None) -> list[Any]:
        """The way to the refund's form only for those who may send it."""
        may = request.user.has_perm("payments.add_refund")
        return [name for name in self.readonly_fields if may or name != "give_back"]

    @admin.display(description=_("give back"))
    def give_back(self, payment: Payment) -> str:
        page = reverse("admin:payments_payment_refund", args=[payment.pk])
        return format_html('<a href="{}">{}</a>', page, _("Refund…"))


class RefundInline(admin.TabularInline):
    model = Refund
    fields = ["created_at", "amount", "status", "failure", "reason", "note", "asked_by"]
    readonly_fields = ["created_at", "amount", "status", "failure", "reason", "note", "asked_by"]
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    @admin.display(description=_("amount"))
    def amount(self, row: Refund) -> str:
        return amount_of(row)


class DisputeInline(admin.TabularInline):
    model = Dispute
    fields = ["created_at", "amount", "reason", "status", "due_by"]
    readonly_fields = ["created_at", "amount", "reason", "status", "due_by"]
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    @admin.display(description=_("amount"))
    def amount(self, row: Dispute) -> str:
        return amount_of(row)


class CaseInline(admin.StackedInline):
    model = Case
    readonly_fields = ["opened_at", "opened_by", "why", "state", "reply", "closed_by"]
    fields = [*readonly_fields]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """One page that tells what happened to an order."""

    list_display = ["number", "created_at", "buyer", "coins", "price", "state", "settled_at"]
    list_filter = ["state", "created_at", "region"]
    search_fields = ["number", "id", "session_id", "buyer__handle", "buyer__email", "payments__intent_id"]
    list_select_related = ["buyer"]
    fields = [
        *["number", "state", "buyer", "recipient", "coins", "bonus", "price", "tax", "country", "region", "price_list"],
        *["session_id", "created_at", "settled_at"],
    ]
    inlines = [TimelineInline, PaymentInline, RefundInline, DisputeInline, CaseInline]
    actions = ["ask_again"]

    @admin.display(description=_("price"), ordering="price_minor")
    def price(self, order: Order) -> str:
        return money.display(order.price_minor, order.currency, language=get_language() or "en", country=order.country)

    @admin.display(description=_("tax within"))
    def tax(self, order: Order) -> str:
        amount = money.display(order.tax_minor, order.currency, language=get_language() or "en", country=order.country)
        return format_html("{} ({})", amount, order.tax_name or "—")

    @admin.action(description=_("Ask the payment provider again"), permissions=["view"])
    def ask_again(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        """What the sweep does by itself, now. It can only do what the provider's evidence asks for."""
        for order in orders[:20]:
            try:
                now = settlement.ask(order)
            except (ProviderAway, ProviderRefused) as problem:
                self.message_user(request, f"{order}: {problem}", messages.ERROR)
            else:
                self.log_change(request, order, "asked the provider")
                self.message_user(request, f"{now}: {now.get_state_display()}", messages.SUCCESS)


class AnswerForm(ActionForm):
    reply = forms.CharField(
        label=_("Answer to the buyer"), required=False, max_length=2000, widget=forms.Textarea({"rows": 2})
    )


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    """What buyers ask about their orders, and orders whose coins do not come. An answer closes a case."""

    list_display = ["__str__", "order", "opened_by", "why", "opened_at", "state", "reply", "closed_by"]
    list_filter = ["state", ("opened_by", admin.EmptyFieldListFilter), "opened_at"]
    list_select_related = ["order", "opened_by", "closed_by"]
    search_fields = ["order__number", "order__id", "opened_by__handle", "opened_by__email", "why", "reply"]
    action_form = AnswerForm
    actions = ["answer"]

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.change_case")

    @admin.action(description=_("Answer and close"), permissions=["answer"])
    def answer(self, request: HttpRequest, rows: QuerySet[Case]) -> None:
        reply = request.POST.get("reply", "").strip()
        if not reply:
            self.message_user(request, _("Write the answer beside it: the buyer reads it."), messages.ERROR)
            return
        assert isinstance(request.user, User)
        for case in rows.filter(state=Case.State.OPEN):
            answered = cases.answer(case.pk, by=request.user, reply=reply)
            self.log_change(request, case, f"open → {answered.state}: {reply}")
            self.message_user(request, _("%(case)s is answered.") % {"case": case}, messages.SUCCESS)
