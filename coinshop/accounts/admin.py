"""People and laws in the console."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from coinshop.accounts import countries
from coinshop.accounts.models import CountryLaw, ResidenceChange, User
from coinshop.console import LoggedAdmin, ReadOnlyAdmin


@admin.register(User)
class PersonAdmin(LoggedAdmin):
    """People are looked up here; their password and their coins are their own."""

    list_display = ["handle", "email", "country", "is_staff", "is_active", "joined_at"]
    list_filter = ["is_staff", "is_active", "country"]
    search_fields = ["handle", "email"]
    fields = [
        "handle",
        "email",
        "country",
        "birth_date",
        "language",
        "is_active",
        "is_staff",
        "groups",
        "joined_at",
        "last_login",
    ]
    readonly_fields = ["joined_at", "last_login"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People sign up by themselves, so that they know their password and nobody else does."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(CountryLaw)
class CountryLawAdmin(LoggedAdmin):
    """A law that has begun is replaced by a newer row, so that old orders can be explained."""

    list_display = ["named", "valid_from", "adult_age", "withdrawal_days", "tax_name", "tax_percent"]
    list_filter = ["adult_age", "withdrawal_days"]
    search_fields = ["country"]

    @admin.display(description=_("country"), ordering="country")
    def named(self, law: CountryLaw) -> str:
        return countries.name_of(law.country)

    @admin.display(description=_("tax"))
    def tax_percent(self, law: CountryLaw) -> str:
        return f"{law.tax_rate_bp // 100}.{law.tax_rate_bp % 100:02} %"


@admin.register(ResidenceChange)
class ResidenceChangeAdmin(ReadOnlyAdmin):
    list_display = ["person", "was", "became", "reason", "note", "at"]
    list_filter = ["reason"]
    list_select_related = ["person"]
    search_fields = ["person__handle", "person__email"]
    fields = ["person", "was", "became", "reason", "note", "at"]
