"""Who signed in, and from where: kept for as long as a bank may ask about a payment, and no longer."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from allauth.account.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from coinshop.accounts.models import SignIn, User

KEPT = timedelta(days=400)  # a dispute may come more than a year after the payment


@receiver(user_logged_in)  # allauth's, not ours: it is how it tells that somebody came through any of its doors
def record(request: HttpRequest, user: User, **more: Any) -> None:
    SignIn.objects.create(user=user, address=_address(request), user_agent=request.headers.get("User-Agent", "")[:300])


def _address(request: HttpRequest) -> str | None:
    """Behind a socket there is no address."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def forget_old() -> None:
    SignIn.objects.filter(at__lt=timezone.now() - KEPT).delete()
