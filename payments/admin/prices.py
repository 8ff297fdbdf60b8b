"""Regions, every price list there is or was, and the log of who changed them."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from coinshop.console import ReadOnlyAdmin
from payments import money
from payments.models import PackagePrice, PriceChange, PriceList, Region, RegionCountry


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
    can_delete = False
    fields = ["coins", "bonus", "as_shown"]
    readonly_fields = ["coins", "bonus", "as_shown"]

    @admin.display(description=_("price"))
    def as_shown(self, package: PackagePrice) -> str:
        currency = package.price_list.region.currency
        return money.display(package.price_minor, currency, language=get_language() or "en")

    def has_add_permission(self, request: HttpRequest, obj: PriceList | None = None) -> bool:
        return False


@admin.register(PriceList)
class PriceListAdmin(ReadOnlyAdmin):
    """Every list that is or was live, and every draft, to look at. They are written and approved as revisions."""

    list_display = ["__str__", "region", "channel", "version", "state", "revision", "live_at", "retired_at"]
    list_filter = ["state", "channel", "region"]
    list_select_related = ["region", "revision"]
    fields = [
        *["region", "channel", "version", "state", "revision"],
        *["custom_coins", "custom_price_minor", "custom_max_coins", "created_by", "live_at", "retired_at"],
    ]
    inlines = [PackageInline]


@admin.register(PriceChange)
class PriceChangeAdmin(ReadOnlyAdmin):
    """The log of prices."""

    list_display = ["at", "revision", "region", "what", "by", "reason"]
    list_filter = ["what", "region", "at", ("revision", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["revision", "region", "by"]
    search_fields = ["revision__name", "reason", "by__handle"]
    fields = ["at", "revision", "region", "what", "by", "reason", "before", "after"]
