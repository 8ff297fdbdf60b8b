"""Links into the pages of a connected account: one to answer the questions, one to look at the balance."""

from __future__ import annotations

from . import accounts, ids
from .drawer import Call, Drawer
from .errors import ApiError
from .params import anything, one_of, shape, text, web_address
from .store import Object

LASTS_S = 300
CREATE = shape(
    "account type refresh_url return_url",
    account=text,
    type=one_of("account_onboarding", "account_update"),
    refresh_url=web_address,
    return_url=web_address,
    collect=one_of("currently_due", "eventually_due"),
    collection_options=anything,
)


def create(call: Call) -> Object:
    """POST /v1/account_links: it opens once, and for five minutes. Whoever comes later goes to ``refresh_url``."""
    wanted = CREATE(call.params, "")
    drawer, now = call.drawer, call.drawer.clock.now()
    owner = accounts.find(drawer, wanted["account"])
    token, ends = ids.new("", 16), now + LASTS_S
    link = {"ends": ends, "refresh_url": wanted["refresh_url"], "return_url": wanted["return_url"], "is_used": False}
    links = drawer.store.hidden(owner["id"]).get("links", {})
    drawer.store.hide(owner["id"], links={**links, token: link})
    url = f"{drawer.public_url}/setup/{owner['id']}/{token}"
    return {"object": "account_link", "created": now, "expires_at": ends, "url": url}


def find(drawer: Drawer, account_id: str, token: str) -> Object | None:
    """A link that was made once, used or not."""
    if drawer.store.get(account_id, "account") is None:
        return None
    link: Object | None = drawer.store.hidden(account_id).get("links", {}).get(token)
    return link


def use(drawer: Drawer, account_id: str, token: str) -> None:
    """The link has been opened."""
    links = drawer.store.hidden(account_id)["links"]
    drawer.store.hide(account_id, links={**links, token: {**links[token], "is_used": True}})


def create_login(call: Call, account_id: str) -> Object:
    """POST /v1/accounts/{id}/login_links"""
    shape()(call.params, "")
    owner = accounts.find(call.drawer, account_id)
    if not owner["details_submitted"]:
        raise ApiError("Cannot create a login link for an account that has not completed onboarding.", executed=True)
    url = f"{call.drawer.public_url}/express/{account_id}"
    return {"object": "login_link", "created": call.drawer.clock.now(), "url": url}
