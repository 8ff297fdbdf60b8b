"""What the shop mailed, read back from the files that Django's file backend writes. Only the embedded shop has it."""

import email
import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings
from django.urls import reverse

MOST = 50
BETWEEN_MAILS = "-" * 79


@dataclass(frozen=True)
class Mail:
    """One mail. `links` are the addresses in its text, so that they can be clicked."""

    name: str
    subject: str
    to: str
    at: datetime
    text: str

    @property
    def url(self) -> str:
        return reverse("mail", args=[self.name])

    @property
    def links(self) -> list[str]:
        return re.findall(r"https?://[^\s<>\"]+", self.text)


def mails() -> list[Mail]:
    """The newest mails first."""
    files = sorted(Path(settings.EMAIL_FILE_PATH).glob("*.log"), reverse=True)
    return sorted((mail for file in files[:MOST] for mail in _mails_in(file)), key=lambda mail: mail.at, reverse=True)


def mail(name: str) -> Mail | None:
    return next((mail for mail in mails() if mail.name == name), None)


def _mails_in(file: Path) -> list[Mail]:
    parts = file.read_bytes().split(BETWEEN_MAILS.encode() + b"\n")
    return [_mail(f"{file.stem}-{number}", part) for number, part in enumerate(parts) if part.strip()]


def _mail(name: str, raw: bytes) -> Mail:
    message = email.message_from_bytes(raw, policy=policy.default)
    body = message.get_body(("plain",))
    return Mail(
        name=name,
        subject=str(message["subject"]),
        to=str(message["to"]),
        at=parsedate_to_datetime(str(message["date"])),
        text=body.get_content() if body else "",
    )
