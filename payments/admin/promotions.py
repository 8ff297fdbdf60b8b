"""Promotions and the codes that open them, with how often each was used."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from coinshop.console import LoggedAdmin, ReadOnlyAdmin
from payments import money
from payments.admin.revision_forms import RegionsField
from payments.models import Coupon, Promotion, PromotionUse, Region
from payments.models.promotions import MOST_BONUS_BP, MOST_DISCOUNT_BP


class PercentField(forms.DecimalField):
    """Percent as people write it; kept in hundredths of one."""

    def prepare_value(self, value: Any) -> Any:
        return f"{_of_percent(value):f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        return int(super().clean(value).scaleb(2))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(_of_percent(initial or 0), data)


def _of_percent(bp: int) -> Decimal:
    whole, hundredths = divmod(bp, 100)
    return Decimal(whole) if not hundredths else Decimal(bp).scaleb(-2).normalize()


class PromotionForm(forms.ModelForm):
    discount_bp = PercentField(
        label=_("discount"),
        initial=0,
        min_value=0,
        max_value=MOST_DISCOUNT_BP // 100,
        decimal_places=2,
        help_text=_("in percent of the price"),
    )
    bonus_bp = PercentField(
        label=_("bonus"),
        initial=0,
        min_value=0,
        max_value=MOST_BONUS_BP // 100,
        decimal_places=2,
        help_text=_("in percent of the coins, on top of the package’s own bonus"),
    )

    regions = RegionsField(
        Region.objects.prefetch_related("countries"),
        label=_("regions"),
        required=False,
        help_text=_("None: everywhere."),
    )

    class Meta:
        model = Promotion
        fields = "__all__"  # noqa: DJ007 - the console's sections name them


@admin.register(Promotion)
class PromotionAdmin(LoggedAdmin):
    """Orders keep what they were sold with, so a promotion may be changed or switched off at any time."""

    form = PromotionForm
    list_display = ["name", "gives", "state", "where", "starts_at", "ends_at", "needs_code", "used"]
    list_filter = ["is_on", "needs_code", "is_for_first_purchase", "regions"]
    search_fields = ["name", "coupons__code"]
    fieldsets = [
        (None, {"fields": ["name", "is_on"]}),
        (_("What it gives"), {"fields": [("discount_bp", "bonus_bp")]}),
        (_("When"), {"fields": [("starts_at", "ends_at")]}),
        (_("For whom"), {"fields": ["is_for_first_purchase", "needs_code", ("least_coins", "most_coins"), "regions"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Promotion]:
        return super().get_queryset(request).prefetch_related("regions__countries")

    @admin.display(description=_("gives"))
    def gives(self, promotion: Promotion) -> str:
        return " · ".join(
            [
                *([f"−{_percent(promotion.discount_bp)}"] if promotion.discount_bp else []),
                *([_("+%(percent)s coins") % {"percent": _percent(promotion.bonus_bp)}] if promotion.bonus_bp else []),
            ]
        )

    @admin.display(description=_("now"))
    def state(self, promotion: Promotion) -> str:
        now = timezone.now()
        if not promotion.is_on:
            return format_html('<span class="badge">{}</span>', _("switched off"))
        if promotion.ends_at <= now:
            return format_html('<span class="badge">{}</span>', _("over"))
        if promotion.starts_at > now:
            return format_html('<span class="badge is-note">{}</span>', _("to come"))
        return format_html('<span class="badge is-good">{}</span>', _("running"))

    @admin.display(description=_("regions"))
    def where(self, promotion: Promotion) -> str:
        return ", ".join(sorted(region.display_name for region in promotion.regions.all())) or str(_("everywhere"))

    @admin.display(description=_("used"))
    def used(self, promotion: Promotion) -> int:
        return int(promotion.uses.counting().count())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is switched off instead: orders name it."""
        return False


def _percent(bp: int) -> str:
    return money.percent(Fraction(bp, 10_000)).replace(".0%", "%")


@admin.register(Coupon)
class CouponAdmin(LoggedAdmin):
    list_display = ["code", "promotion", "used", "most_per_person", "most_per_network", "is_on"]
    list_filter = ["is_on", "promotion"]
    list_select_related = ["promotion"]
    search_fields = ["code", "promotion__name"]

    @admin.display(description=_("used"))
    def used(self, coupon: Coupon) -> str:
        used = coupon.uses.counting().count()
        return _("%(used)s of %(most)s") % {"used": used, "most": coupon.most_uses} if coupon.most_uses else str(used)

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
