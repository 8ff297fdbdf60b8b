"""The console at /admin/: our own AdminSite, and the base of every page in it that shows what nobody may edit."""

from typing import Any

from django import forms
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
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


class ReasonForm(ActionForm):
    """Beside the choice of an action: why it is done. An action that needs a reason asks for it."""

    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)
