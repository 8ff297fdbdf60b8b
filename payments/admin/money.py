"""Money that came, and money that went back."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from coinshop.accounts.models import User
from coinshop.console import ReadOnlyAdmin, ReasonForm
from payments import money, quarantine, refunds
from payments.forms import RefundForm
from payments.models import (
    Dispute,
    FraudWarning,
    Payment,
    Refund,
)


class ToLookAt(admin.SimpleListFilter):
    title = _("decision needed")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Payment]) -> QuerySet[Payment]:
        return rows.filter(Payment.TO_LOOK_AT) if self.value() else rows


class AwaitsEvidence(admin.SimpleListFilter):
    title = _("evidence needed")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Dispute]) -> QuerySet[Dispute]:
        return rows.filter(Dispute.AWAITS_EVIDENCE) if self.value() else rows


class DecisionForm(ReasonForm):
    number = forms.CharField(label=_("Other order"), max_length=9, required=False)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Money that came. About what does not agree with its order, finance decides, once and with a reason."""

    list_display = ["intent_id", "order", "came", "ordered", "disagreement", "decision", "decided_by", "recorded_at"]
    list_filter = [ToLookAt, "decision", "is_surplus", "recorded_at"]
    list_select_related = ["order", "decided_by"]
    search_fields = ["intent_id", "session_id", "order__number", "order__id", "order__buyer__email"]
    fields = [
        *["intent_id", "session_id", "order", "ordered", "came", "is_live", "is_surplus", "recorded_at"],
        *["disagreement", "decision", "decided_by", "decided_at", "decision_reason"],
    ]
    action_form = DecisionForm
    actions = ["deliver_anyway", "send_back", "move"]

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.refund)
        return [path("<int:payment_id>/refund/", page, name="payments_payment_refund"), *super().get_urls()]

    def refund(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        """Give back the whole or a part of a payment."""
        if not request.user.has_perm("payments.add_refund"):
            raise PermissionDenied
        payment = get_object_or_404(Payment.objects.select_related("order"), pk=payment_id)
        form = RefundForm(payment, request.POST or None)
        if form.is_valid() and (answer := self._ask_refund(request, payment, form)):
            return answer
        context = self.admin_site.each_context(request) | {
            "title": _("Give money back"),
            "form": form,
            "payment": payment,
            "objection": refunds.objection_to(payment, 1),
        }
        return render(request, "admin/payments/refund.html", context, status=422 if form.errors else 200)

    def _ask_refund(self, request: HttpRequest, payment: Payment, form: RefundForm) -> HttpResponse | None:
        given = {name: form.cleaned_data[name] for name in ["reason", "note", "key"]}
        assert isinstance(request.user, User)
        try:
            refund = refunds.ask(payment, form.cleaned_data["amount"], by=request.user, **given)
        except refunds.NotRefundable as objection:
            form.add_error("amount", str(objection))
            return None
        self.log_change(request, payment, f"refund of {amount_of(refund)} asked for: {refund.note}")
        message = _("%(amount)s will be given back. The coins go when the provider has confirmed it.")
        self.message_user(request, message % {"amount": amount_of(refund)}, messages.SUCCESS)
        return redirect("admin:payments_order_change", payment.order_id)

    @admin.display(description=_("came"), ordering="amount_minor")
    def came(self, payment: Payment) -> str:
        return money.display(payment.amount_minor, payment.currency, language=get_language() or "en")

    @admin.display(description=_("was asked for"))
    def ordered(self, payment: Payment) -> str:
        return money.display(payment.order.price_minor, payment.order.currency, language=get_language() or "en")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.decide_money")

    @admin.action(description=_("Deliver anyway"), permissions=["decide"])
    def deliver_anyway(self, request: HttpRequest, rows: QuerySet[Payment]) -> None:
        self._decide(request, rows, quarantine.deliver)

    @admin.action(description=_("Send it back"), permissions=["decide"])
    def send_back(self, request: HttpRequest, rows: QuerySet[Payment]) -> None:
        self._decide(request, rows, quarantine.send_back)

    @admin.action(description=_("It belongs to another order"), permissions=["decide"])
    def move(self, request: HttpRequest, rows: QuerySet[Payment]) -> None:
        self._decide(request, rows, partial(quarantine.move, number=request.POST.get("number", "")))

    def _decide(self, request: HttpRequest, rows: QuerySet[Payment], decide: Callable[..., Payment]) -> None:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, _("Write the reason of your decision beside it."), messages.ERROR)
            return
        for payment in rows:
            before = payment.order.state
            try:
                after = decide(payment.pk, by=request.user, reason=reason[:500])
            except quarantine.Undecidable as objection:
                self.message_user(request, f"{payment}: {objection}", messages.ERROR)
            else:
                change = f"waits → {after.decision}; order {after.order} {before} → {after.order.state}: {reason}"
                self.log_change(request, payment, change)
                told = f"{payment}: {after.get_decision_display()}. {after.order}: {after.order.get_state_display()}"
                self.message_user(request, told, messages.SUCCESS)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Money that was given back, or should be. It is asked for on an order's page."""

    list_display = ["__str__", "order", "created_at", "amount", "status", "failure", "asked_by"]
    list_filter = ["status", "reason", "created_at"]
    search_fields = ["stripe_id", "order__number", "payment__intent_id"]
    list_select_related = ["order", "asked_by"]

    @admin.display(description=_("amount"), ordering="amount_minor")
    def amount(self, refund: Refund) -> str:
        return amount_of(refund)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """What buyers' banks say, and until when they want an answer."""

    list_display = ["stripe_id", "order", "created_at", "amount", "reason", "status", "is_withdrawn", "due_by"]
    list_filter = [AwaitsEvidence, "status", "reason", "created_at"]
    search_fields = ["stripe_id", "order__number", "payment__intent_id"]
    list_select_related = ["order"]
    fields = [
        *["stripe_id", "order", "payment", "created_at", "amount", "reason", "status", "is_withdrawn", "due_by"],
        "evidence",
    ]
    readonly_fields = ["evidence"]

    @admin.display(description=_("evidence"))
    def evidence(self, dispute: Dispute) -> str:
        return format_html('<a href="{}">{}</a>', reverse("evidence_pack", args=[dispute.pk]), _("Look at it…"))

    @admin.display(description=_("amount"), ordering="amount_minor")
    def amount(self, dispute: Dispute) -> str:
        return amount_of(dispute)


@admin.register(FraudWarning)
class FraudWarningAdmin(ReadOnlyAdmin):
    """Payments that their issuer suspects. A refund in time may spare the dispute."""

    list_display = ["stripe_id", "payment", "created_at", "fraud_type", "is_actionable"]
    list_filter = ["is_actionable", "fraud_type", "created_at"]
    search_fields = ["stripe_id", "payment__order__number", "payment__intent_id"]


def amount_of(row: Refund | Dispute) -> str:
    return money.display(row.amount_minor, row.currency, language=get_language() or "en", country=row.order.country)
