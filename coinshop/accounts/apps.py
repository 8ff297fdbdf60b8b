from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "coinshop.accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from coinshop.accounts import sign_ins  # noqa: F401  # it listens
