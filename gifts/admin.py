"""Gifts in the console."""

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from coinshop.console import LoggedAdmin, ReadOnlyAdmin
from gifts.models import Creator, Gift, SentGift


@admin.register(Gift)
class GiftAdmin(LoggedAdmin):
    """A gift that was ever sent is taken off sale, never deleted."""

    list_display = ["shown", "name", "coins", "motion", "is_on_sale"]
    list_display_links = ["name"]
    list_filter = ["is_on_sale", "motion"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}

    @admin.display(description=_("picture"))
    def shown(self, gift: Gift) -> str:
        return format_html('<img src="{}" alt="" width="40" height="40">', static(gift.picture_path))

    def has_delete_permission(self, request: HttpRequest, obj: Gift | None = None) -> bool:
        return False


@admin.register(Creator)
class CreatorAdmin(LoggedAdmin):
    list_display = ["name", "person", "may_earn"]
    list_filter = ["may_earn"]
    search_fields = ["name", "person__handle"]
    raw_id_fields = ["person"]

    def has_delete_permission(self, request: HttpRequest, obj: Creator | None = None) -> bool:
        return False


@admin.register(SentGift)
class SentGiftAdmin(ReadOnlyAdmin):
    list_display = ["id", "sent_at", "sender", "creator", "gift", "quantity", "coins", "diamonds"]
    list_filter = ["sent_at", "gift"]
    search_fields = ["sender__handle", "creator__person__handle", "key"]
    list_select_related = ["sender", "creator", "gift"]
