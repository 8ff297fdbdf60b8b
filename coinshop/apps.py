from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CoinshopConfig(AppConfig):
    name = "coinshop"

    def ready(self) -> None:
        from coinshop import checks  # noqa: F401  # registers them


class ConsoleConfig(AdminConfig):
    default_site = "coinshop.console.Console"
