"""What every page knows about the shop."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


def shop(request: HttpRequest) -> dict[str, Any]:
    return {
        "shop_name": settings.SHOP_NAME,
        "is_sandbox": settings.IS_SANDBOX,
        "mailbox_url": reverse("mailbox") if settings.HAS_MAILBOX else "",
    }
