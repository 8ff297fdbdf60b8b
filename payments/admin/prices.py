"""Regions, every price list there is or was, and the log of who changed them."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from coinshop.accounts import countries
from coinshop.console import LoggedAdmin, ReadOnlyAdmin
from payments import money
from payments.models import PackagePrice, PriceChange, PriceList, Region, RegionCountry


class CountryFormSet(BaseInlineFormSet):
    """In the table the heads of columns name fields for the eye only; here they say their names."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            field.widget.attrs["aria-label"] = _("Delete?") if name == "DELETE" else field.label


class CountryInline(admin.TabularInline):
    model = RegionCountry
    formset = CountryFormSet
    extra = 0


@admin.register(Region)
class RegionAdmin(LoggedAdmin):
    list_display = ["display_name", "currency", "countries_in_it", "prices", "is_open"]
    list_filter = ["is_open", "currency"]
    search_fields = ["name", "currency", "countries__code"]
    search_help_text = _("A name, a currency, or a country")
    inlines = [CountryInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Region]:
        live = PriceList.objects.filter(state=PriceList.State.LIVE, channel=PriceList.Channel.WEB)
        return super().get_queryset(request).prefetch_related("countries", Prefetch("price_lists", live, "live_lists"))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Region], term: str) -> Any:
        """By its countries' names too, in the reader's language."""
        found, _is_doubled = super().get_search_results(request, queryset, term)
        codes = RegionCountry.objects.values_list("code", flat=True)
        named = [code for code in codes if term and term.casefold() in countries.name_of(code).casefold()]
        return queryset.filter(Q(pk__in=found.values("pk")) | Q(countries__code__in=named)).distinct(), False

    @admin.display(description=_("countries"))
    def countries_in_it(self, region: Region) -> int:
        return len(region.countries.all())

    @admin.display(description=_("prices"))
    def prices(self, region: Region) -> str:
        for live in region.live_lists:  # type: ignore[attr-defined]  # by the prefetch above
            address = reverse("admin:payments_pricelist_change", args=[live.pk])
            return format_html('<a href="{}">{}</a>', address, _("version %(version)s") % {"version": live.version})
        return "—"

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
