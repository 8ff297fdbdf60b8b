"""Promotions and the codes that open them, with how often each was used."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from coinshop.console import ReadOnlyAdmin
from payments.models import Coupon, Promotion, PromotionUse


@admin.register(Promotion)
class PromotionAdmin(admin.ModelAdmin):
    """Orders keep what they were sold with, so a promotion may be changed or switched off at any time."""

    list_display = ["name", "discount_bp", "bonus_bp", "starts_at", "ends_at", "needs_code", "is_on", "used"]
    list_filter = ["is_on", "needs_code", "is_for_first_purchase", "regions"]
    search_fields = ["name", "coupons__code"]
    # Django's own pickers draw by styles, which our policy forbids, and name nothing to screen readers.
    formfield_overrides = {
        models.DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        },
        models.ManyToManyField: {"widget": forms.CheckboxSelectMultiple},
    }

    @admin.display(description=_("used"))
    def used(self, promotion: Promotion) -> int:
        return int(promotion.uses.counting().count())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is switched off instead: orders name it."""
        return False


@admin.register(Coupon)
class CouponAdmin(admin.ModelAdmin):
    list_display = ["code", "promotion", "most_uses", "used", "most_per_person", "most_per_network", "is_on"]
    list_filter = ["is_on", "promotion"]
    list_select_related = ["promotion"]
    search_fields = ["code", "promotion__name"]

    @admin.display(description=_("used"))
    def used(self, coupon: Coupon) -> int:
        return int(coupon.uses.counting().count())

    def get_readonly_fields(self, request: HttpRequest, obj: Coupon | None = None) -> list[str]:
        """A code that people know opens what it always opened."""
        return ["code", "promotion"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PromotionUse)
class PromotionUseAdmin(ReadOnlyAdmin):
    list_display = ["order", "promotion", "coupon", "person", "discount_minor", "bonus", "at"]
    list_filter = ["promotion"]
    list_select_related = ["order", "promotion", "coupon", "person"]
    search_fields = ["order__number", "coupon__code", "person__handle"]
    fields = ["order", "promotion", "coupon", "person", "discount_minor", "bonus", "at"]
