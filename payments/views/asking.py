"""What a view needs to know of a request, and of an answer to a form: who asks, and where they go next."""

from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from coinshop.accounts.models import User

SEE_OTHER = 303


class SeeOther(HttpResponseRedirect):
    """A redirect after a form was posted: whatever was posted, what comes next is read."""

    status_code = SEE_OTHER
    allowed_schemes = ["http", "https"]


def person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def next_path(query: Any) -> str:
    """A path of our own to go on to: never another site's."""
    path = query.get("next", "")
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) and path.startswith("/") else "/"
