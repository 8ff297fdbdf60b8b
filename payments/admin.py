"""Sales in the console: price lists to edit as drafts, orders with their timeline, the provider's events."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from coinshop.console import ReadOnlyAdmin
from payments import money, settlement
from payments.gateway import ProviderAway, ProviderRefused
from payments.models import Order, PackagePrice, Payment, PriceList, Region, RegionCountry, StripeEvent, TimelineEntry
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


def _is_draft(prices: PriceList | None) -> bool:
    return prices is None or prices.state == PriceList.State.DRAFT


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


class TimelineInline(admin.TabularInline):
    model = TimelineEntry
    fields = ["at", "what", "reference"]
    readonly_fields = ["at", "what", "reference"]
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return request.user.has_perm("payments.view_order")

    def has_add_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False


class PaymentInline(admin.TabularInline):
    model = Payment
    fields = ["recorded_at", "intent_id", "amount_minor", "currency", "is_surplus", "disagreement"]
    readonly_fields = ["recorded_at", "intent_id", "amount_minor", "currency", "is_surplus", "disagreement"]
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
    inlines = [TimelineInline, PaymentInline]
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


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """What the provider told us. A dead event can be driven again; none can be changed."""

    list_display = ["id", "type", "state", "attempts", "received_at", "ended_at", "remark"]
    list_filter = ["state", "type", "received_at"]
    search_fields = ["id", "type", "payload__data__object__id"]
    actions = ["drive_again"]

    def has_drive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.change_stripeevent")

    @admin.action(description=_("Drive again"), permissions=["drive"])
    def drive_again(self, request: HttpRequest, events: QuerySet[StripeEvent]) -> None:
        dead = events.filter(state=StripeEvent.State.DEAD)
        for event in dead:
            self.log_change(request, event, "driven again")
        count = dead.update(state=StripeEvent.State.RECEIVED, attempts=0, due_at=timezone.now())
        told = ngettext("%(count)s event will be worked on.", "%(count)s events will be worked on.", count)
        self.message_user(request, told % {"count": count}, messages.SUCCESS)
