"""Who is really asking: forwarded headers are believed only from proxies that the operator named."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse

FORWARDED = ["HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"]


class TrustedProxyMiddleware:
    """Set REMOTE_ADDR to the client's address, and drop forwarded headers that anybody could have written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.networks = [ip_network(network) for network in settings.TRUSTED_PROXIES]
        self.country_header = "HTTP_" + settings.COUNTRY_HEADER.upper().replace("-", "_")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.is_trusted(request.META.get("REMOTE_ADDR", "")):
            request.META["REMOTE_ADDR"] = self.client_of(request)
        else:
            for header in [*FORWARDED, self.country_header]:
                request.META.pop(header, None)
        return self.get_response(request)

    def is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)

    def client_of(self, request: HttpRequest) -> str:
        """The last address in the chain that is not one of our own proxies: those before it are hearsay."""
        chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        strangers = [address for address in chain if not self.is_trusted(address)]
        return strangers[-1] if strangers else str(request.META["REMOTE_ADDR"])
