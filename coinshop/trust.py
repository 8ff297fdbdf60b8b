"""Pages against cheats: is it ours, and which tricks are known. And what a home screen needs to know of the shop."""

from django import forms
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from coinshop import real
from coinshop.accounts.models import User

LOOKS, WITHIN_S = 30, 600  # from one address: enough for whoever doubts, too few to list our orders


class LookUpForm(forms.Form):
    """What somebody doubts."""

    q = forms.CharField(
        label=_("An address, an order number, or a name"),
        max_length=real.MOST_TYPED,
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("Paste it as you got it, such as K7Q2-M9RT or @name."),
    )


@require_safe
def is_it_real(request: HttpRequest) -> HttpResponse:
    """Look up what somebody doubts. No answer tells more than whether it is ours."""
    form = LookUpForm(request.GET if "q" in request.GET else None)
    if not form.is_bound or not form.is_valid():
        return render(request, "real.html", {"form": form}, status=422 if form.errors else 200)
    if _looks_too_often(request):
        return render(request, "429.html", status=429)
    by = request.user if isinstance(request.user, User) else None
    return render(request, "real.html", {"form": form, "answer": real.look_up(form.cleaned_data["q"], by=by)})


@require_safe
def scams(request: HttpRequest) -> HttpResponse:
    return render(request, "scams.html")


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """What a phone needs to put the shop on its home screen. https://www.w3.org/TR/appmanifest/"""
    icons = [
        {"src": static("img/icon-192.png"), "sizes": "192x192", "type": "image/png"},
        {"src": static("img/icon-512.png"), "sizes": "512x512", "type": "image/png"},
        {"src": static("img/icon-maskable-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    told = {
        "id": "/",
        "name": settings.SHOP_NAME,
        "short_name": settings.SHOP_NAME[:12],
        "lang": get_language(),
        "dir": "rtl" if get_language_bidi() else "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#fbf7f5",
        "theme_color": "#fbf7f5",
        "icons": icons,
    }
    return JsonResponse(told, content_type="application/manifest+json")


def _looks_too_often(request: HttpRequest) -> bool:
    key = f"real:{request.META.get('REMOTE_ADDR', '')}"
    looks = cache.get_or_set(key, 0, WITHIN_S) or 0
    cache.set(key, looks + 1, WITHIN_S)
    return looks >= LOOKS
