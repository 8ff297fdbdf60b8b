"""One server process: Django's pages run as WSGI in a bounded pool of threads.

Django's own ASGI handler answered 2.5 times fewer pages a second on the same machine (docs/adr/0003).
"""

from a2wsgi import WSGIMiddleware
from django.conf import settings

from coinshop.wsgi import application as pages

application = WSGIMiddleware(pages, workers=settings.WEB_THREADS)  # type: ignore[arg-type]  # Django's handler is WSGI
