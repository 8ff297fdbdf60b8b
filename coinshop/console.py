"""The console at /admin/: our own AdminSite, and the base of every page in it that shows what nobody may edit."""

from typing import Any

from django import forms
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _


class Console(AdminSite):
    site_header = site_title = _("coinshop console")
    index_title = _("What would you like to look at?")
    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The console has no sign-in of its own: one door, with one set of limits."""
        if request.user.is_authenticated:
            return render(request, "403.html", status=403)
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("account_login"))


class ReadOnlyAdmin(ModelAdmin):
    """Rows to look at for those whose role may, and to change for nobody, a superuser included."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LoggedAdmin(ModelAdmin):
    """Rows that staff may change: the history keeps what each field was before and after, in English."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """One line for the row, and one for each row that belongs to it."""
        with translation.override("en"):
            told = [_changes(form)]
            for formset in formsets or ():
                told += [f"{_name_of(row)}: added" for row in formset.new_objects]
                told += [f"{_name_of(row)}: {', '.join(names)} changed" for row, names in formset.changed_objects]
                told += [f"{_name_of(row)}: deleted" for row in formset.deleted_objects]
            return "; ".join(filter(None, told)) or "Nothing was changed."


def _changes(form: forms.BaseModelForm) -> str:
    """name: before → after; …"""
    return "; ".join(
        f"{form.fields[name].label}: {_plain(form.fields[name], form.initial.get(name))}"
        f" → {_plain(form.fields[name], form.cleaned_data[name])}"
        for name in form.changed_data
    )


def _plain(field: forms.Field, value: Any) -> str:
    if isinstance(value, list | QuerySet):
        return ", ".join(sorted(map(str, value))) or "—"
    return "—" if value in (None, "") else str(value if hasattr(value, "pk") else field.prepare_value(value))


def _name_of(row: Any) -> str:
    return f"{row._meta.verbose_name} {row}"


class ReasonForm(ActionForm):
    """Beside the choice of an action: why it is done. An action that needs a reason asks for it."""

    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)
