"""Where allauth asks the house."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.utils.translation import get_language, override

from coinshop.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Handles are in small letters, however somebody typed them."""
        return str(super().clean_username(username.lower(), shallow))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write to people in their own language, not in that of whoever caused the mail."""
        person = context.get("user") or User.objects.filter(email=email.lower()).first()
        with override(getattr(person, "language", None) or get_language()):
            super().send_mail(template_prefix, email, context)
