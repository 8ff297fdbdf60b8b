"""A request and an answer, without the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from typing import Literal, Self


@dataclass(frozen=True)
class Request:
    """``form`` is the body of a POST and the query of anything else, still encoded."""

    method: str
    path: str
    form: str
    headers: Message

    def header(self, name: str) -> str | None:
        """A header of the request."""
        return self.headers.get(name)


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    breaks: Literal["", "timeout", "reset"] = ""  # instead of being sent

    @classmethod
    def json(cls, body: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Self:
        """JSON, already encoded."""
        return cls(status, body.encode(), {"Content-Type": "application/json", **(headers or {})})

    @classmethod
    def text(cls, body: str, *, status: int = 200, kind: str = "text/plain") -> Self:
        """Text of some kind."""
        return cls(status, body.encode(), {"Content-Type": f"{kind}; charset=utf-8"})

    @classmethod
    def see_other(cls, location: str) -> Self:
        """Go there with a GET, which is what a browser must do after a POST."""
        return cls(303, b"", {"Location": location, "Content-Type": "text/plain; charset=utf-8"})
