"""Regions, and price lists to edit as drafts."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from payments import money
from payments.models import (
    PackagePrice,
    PriceList,
    Region,
    RegionCountry,
)
from payments.models.prices import NotReady


class CountryInline(admin.TabularInline):
    model = RegionCountry
    extra = 0


@admin.register(Region)
class RegionAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "currency", "is_open"]
    list_filter = ["is_open"]
    search_fields = ["name", "currency", "countries__code"]
    inlines = [CountryInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Region | None = None) -> list[str]:
        """Prices and orders are counted in a region's currency: it never changes."""
        return ["slug", "currency"] if obj else []


class PackageInline(admin.TabularInline):
    model = PackagePrice
    extra = 0
    fields = ["coins", "bonus", "price_minor", "as_shown"]
    readonly_fields = ["as_shown"]

    @admin.display(description=_("as it is shown"))
    def as_shown(self, package: PackagePrice) -> str:
        if package.pk is None:
            return ""
        currency = package.price_list.region.currency
        return money.display(package.price_minor, currency, language=get_language() or "en")

    def has_add_permission(self, request: HttpRequest, obj: PriceList | None = None) -> bool:
        return _is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: PriceList | None = None) -> bool:
        return _is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: PriceList | None = None) -> bool:
        return _is_draft(obj) and super().has_delete_permission(request, obj)


@admin.register(PriceList)
class PriceListAdmin(admin.ModelAdmin):
    """Drafts are edited; what is or was live is only looked at. The database holds the same rule."""

    list_display = ["__str__", "region", "channel", "version", "state", "live_at", "retired_at"]
    list_filter = ["state", "channel", "region"]
    list_select_related = ["region"]
    fields = [
        *["region", "channel", "version", "state"],
        *["custom_coins", "custom_price_minor", "custom_max_coins", "created_by", "live_at", "retired_at"],
    ]
    readonly_fields = ["version", "state", "created_by", "live_at", "retired_at"]
    inlines = [PackageInline]
    actions = ["put_live", "copy_to_draft"]

    def get_readonly_fields(self, request: HttpRequest, obj: PriceList | None = None) -> list[str]:
        return [*self.readonly_fields, "region", "channel"] if obj else list(self.readonly_fields)

    def has_change_permission(self, request: HttpRequest, obj: PriceList | None = None) -> bool:
        return _is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: PriceList | None = None) -> bool:
        return _is_draft(obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: PriceList, form: Any, change: bool) -> None:
        if not change:
            newest = PriceList.objects.filter(region=obj.region, channel=obj.channel).order_by("-version").first()
            obj.version = newest.version + 1 if newest else 1
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Put live now"), permissions=["change"])
    def put_live(self, request: HttpRequest, drafts: QuerySet[PriceList]) -> None:
        for draft in drafts:
            try:
                draft.go_live()
            except NotReady as reasons:
                self.message_user(request, f"{draft}: {' '.join(reasons.args[0])}", messages.ERROR)
            else:
                self.log_change(request, draft, "put live")
                self.message_user(request, _("%(list)s is live.") % {"list": draft}, messages.SUCCESS)

    @admin.action(description=_("Make a new draft from this list"), permissions=["add"])
    def copy_to_draft(self, request: HttpRequest, lists: QuerySet[PriceList]) -> None:
        for prices in lists:
            draft = prices.new_draft(request.user)
            self.log_addition(request, draft, f"copied from version {prices.version}")
            self.message_user(request, _("%(list)s is a draft now.") % {"list": draft}, messages.SUCCESS)


def _is_draft(prices: PriceList | None) -> bool:
    return prices is None or prices.state == PriceList.State.DRAFT
