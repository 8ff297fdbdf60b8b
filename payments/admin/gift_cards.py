"""Gift cards: a batch is made with its sheet to print, which is seen once, and another person lets it be redeemed."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from coinshop.accounts.models import User
from coinshop.console import ReadOnlyAdmin
from payments import gift_cards
from payments.models import GiftCard, GiftCardBatch
from payments.models.gift_cards import MOST_CARDS


class BatchForm(forms.ModelForm):
    """What a batch is like. Its cards are made with it and never later."""

    count = forms.IntegerField(label=_("how many cards"), min_value=1, max_value=MOST_CARDS)

    class Meta:
        model = GiftCardBatch
        fields = ["name", "coins", "valid_until"]
        widgets = {"valid_until": forms.DateTimeInput({"type": "datetime-local"})}


@admin.register(GiftCardBatch)
class GiftCardBatchAdmin(ReadOnlyAdmin):
    list_display = ["name", "coins", "made", "redeemed", "valid_until", "created_by", "approved_by", "stopped_at"]
    list_filter = [("approved_at", admin.EmptyFieldListFilter), ("stopped_at", admin.EmptyFieldListFilter)]
    list_select_related = ["created_by", "approved_by"]
    actions = ["approve", "stop"]
    fields = ["name", "coins", "made", "redeemed", "valid_until", "created_by", "created_at", "approved_by"]
    fields += ["approved_at", "stopped_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[GiftCardBatch]:
        is_redeemed = Q(cards__redeemed_at__isnull=False)
        batches: QuerySet[GiftCardBatch] = super().get_queryset(request)
        return batches.annotate(made=Count("cards"), redeemed=Count("cards", filter=is_redeemed))

    @admin.display(description=_("cards"))
    def made(self, batch: Any) -> int:
        return int(batch.made)

    @admin.display(description=_("redeemed"))
    def redeemed(self, batch: Any) -> int:
        return int(batch.redeemed)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("payments.add_giftcardbatch")

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.approve_giftcardbatch")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make a batch. The answer is the sheet to print: codes are never shown again."""
        if not self.has_add_permission(request) or not isinstance(request.user, User):
            raise PermissionDenied
        form = BatchForm(request.POST or None)
        sheet = None
        if form.is_bound and form.is_valid():
            sheet = gift_cards.issue(by=request.user, **form.cleaned_data)
            self.log_addition(request, sheet.batch, f"{len(sheet.codes)} cards of {sheet.batch.coins} coins")
        context = self.admin_site.each_context(request) | {"form": form, "sheet": sheet, "title": _("Gift cards")}
        status = 422 if form.errors else 200
        return render(request, "admin/payments/gift_cards.html", context, status=status)

    @admin.action(description=_("Approve: let them be redeemed"), permissions=["approve"])
    def approve(self, request: HttpRequest, batches: QuerySet[GiftCardBatch]) -> None:
        for batch in batches:
            if gift_cards.approve(batch, by=request.user):  # type: ignore[arg-type]  # whoever is in the console is a User
                self.log_change(request, batch, "approved")
                self.message_user(request, _("%(batch)s can be redeemed.") % {"batch": batch}, messages.SUCCESS)
            else:
                told = _("%(batch)s was approved before, or it is your own: somebody else has to approve it.")
                self.message_user(request, told % {"batch": batch}, messages.ERROR)

    @admin.action(description=_("Stop: no card of it can be redeemed any more"), permissions=["approve"])
    def stop(self, request: HttpRequest, batches: QuerySet[GiftCardBatch]) -> None:
        for batch in batches:
            if gift_cards.stop(batch):
                self.log_change(request, batch, "stopped")
                self.message_user(request, _("%(batch)s is stopped.") % {"batch": batch}, messages.SUCCESS)


@admin.register(GiftCard)
class GiftCardAdmin(ReadOnlyAdmin):
    """To find a card by the end of its code, which a customer can name without giving it away."""

    list_display = ["__str__", "batch", "redeemed_by", "redeemed_at"]
    list_select_related = ["batch", "redeemed_by"]
    list_filter = ["batch"]
    search_fields = ["last_four", "redeemed_by__handle"]
    fields = ["batch", "last_four", "redeemed_by", "redeemed_at"]
