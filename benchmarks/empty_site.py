"""The least that a page can be: a Django view that says nothing, with no middleware, in the server that ours run in."""

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.serving import THREADS


def nothing(request: HttpRequest) -> HttpResponse:
    """Answer whatever was asked."""
    return HttpResponse(b"")


urlpatterns = [path("", nothing)]
settings.configure(ALLOWED_HOSTS=["127.0.0.1"], MIDDLEWARE=[], ROOT_URLCONF=__name__, SECRET_KEY="nothing is signed")
application = WSGIMiddleware(get_wsgi_application(), workers=THREADS)  # type: ignore[arg-type]  # as in coinshop.asgi
