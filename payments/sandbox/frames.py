"""What every page of the sandbox stands in: the yellow bar, the language, the policy."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from .answers import Answer, Request
from .store import Object
from .words import language, spoken

HERE = Path(__file__).parent
FILES = {"/_sandbox/page.css": ("page.css", "text/css"), "/_sandbox/mark.svg": ("mark.svg", "image/svg+xml")}


def template(name: str) -> Template:
    """A page's markup, from the file beside this one."""
    return Template((HERE / f"{name}.html").read_text("utf-8"))


FRAME, NOTICE = template("frame"), template("notice")


def file(path: str) -> Answer:
    """One of ``FILES``."""
    name, kind = FILES[path]
    return Answer.text((HERE / name).read_text("utf-8"), kind=kind)


def code_of(request: Request, session: Object | None) -> str:
    """The language of a page."""
    return language(session["locale"] if session else None, request.header("Accept-Language"))


def back(session: Object, say: dict[str, str]) -> str:
    """The link to where a buyer goes who does not pay."""
    url = session["cancel_url"]
    if url is None:
        return ""
    url = url.replace("{CHECKOUT_SESSION_ID}", session["id"])
    return f'<a class="chip" href="{escape(url)}">{escape(say["back"])}</a>'


def notice(
    request: Request,
    session: Object | None,
    about: str,
    *,
    status: int = 200,
    link: str | None = None,
    facts: dict[str, Any] | None = None,
) -> Answer:
    """A page that only says something."""
    code = code_of(request, session)
    say = spoken(code)
    target = link or (session["cancel_url"] if session else None)
    button = f'<a class="button" href="{escape(target)}">{escape(say["back"])}</a>' if target else ""
    head, text = (escape(say[f"{about}_{part}"].format(**(facts or {}))) for part in ("head", "text"))
    return framed(code, NOTICE.substitute(head=head, text=text, button=button), session, status=status)


def framed(code: str, content: str, session: Object | None, *, status: int = 200, title: str = "") -> Answer:
    """A whole page."""
    say = spoken(code)
    html = FRAME.substitute(
        lang=code,
        dir="rtl" if code == "ar" else "ltr",
        title=escape(title or say["title"]),
        banner=escape(say["banner"]),
        content=content,
    )
    page = Answer.text(html, status=status, kind="text/html")
    page.headers["Content-Security-Policy"] = _policy(session)
    page.headers["Cache-Control"] = "no-store"
    return page


def _policy(session: Object | None) -> str:
    """Nothing but our own style. Browsers hold form-action against redirects too, so it names where paying leads."""
    urls = [session[name] for name in ("success_url", "cancel_url")] if session else []
    origins = sorted({f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in urls if url})
    return "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; " + " ".join(
        ["form-action 'self'", *origins]
    )
