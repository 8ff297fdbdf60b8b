"""The console at /admin/: our own AdminSite, and the base of every page in it that shows what nobody may edit."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.views import redirect_to_login
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.text import capfirst
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

    # Django's own pickers draw by styles, which our policy forbids, and name nothing to screen readers.
    formfield_overrides = {
        models.DateField: {"widget": forms.DateInput({"type": "date"}, format="%Y-%m-%d")},
        models.DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        },
        models.ManyToManyField: {"widget": forms.CheckboxSelectMultiple},
    }

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What changed of the row, and of each row that belongs to it."""
        with translation.override("en"):
            told = [_changes(form)]
            for formset in formsets or ():
                told += [f"{_name_of(row)}: added" for row in formset.new_objects]
                told += [f"{_name_of(each.instance)}: {_changes(each)}" for each in _changed(formset)]
                told += [f"{_name_of(_named_again(each))}: deleted" for each in formset.deleted_forms]
            return "; ".join(filter(None, told)) or "Nothing was changed."


def _changes(form: Any) -> str:
    """name: before → after; …"""
    return "; ".join(
        f"{capfirst(form.fields[name].label or name)}: {_plain(form.fields[name], _before(form, name))}"
        f" → {_plain(form.fields[name], form.cleaned_data[name])}"
        for name in form.changed_data
    )


def _before(form: Any, name: str) -> Any:
    """What a field was; another row by itself instead of by its key."""
    field, before = form.fields[name], form.get_initial_for_field(form.fields[name], name)
    if isinstance(before, int) and isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
        return field.queryset.model._base_manager.filter(pk=before).first()
    return before


def _plain(field: forms.Field, value: Any) -> str:
    if isinstance(value, list | QuerySet):
        return ", ".join(sorted(map(str, value))) or "—"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return "—" if value in (None, "") else str(value if hasattr(value, "pk") else field.prepare_value(value))


def _changed(formset: Any) -> list[Any]:
    """The forms of rows that were there and are still there, but not as they were."""
    kept = [id(row) for row, _fields in formset.changed_objects]
    return [form for form in formset.initial_forms if id(form.instance) in kept]


def _named_again(form: Any) -> Any:
    """A deleted row has lost its key, which may be all that names it."""
    form.instance.pk = form.instance.pk or form.initial.get(form.instance._meta.pk.name)
    return form.instance


def _name_of(row: Any) -> str:
    return f"{row._meta.verbose_name} {row}"


class ReasonForm(ActionForm):
    """Beside the choice of an action: why it is done. An action that needs a reason asks for it."""

    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)
