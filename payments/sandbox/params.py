"""What a request may say: small checks that compose, each taking a raw value and the name to blame."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .errors import ApiError, missing_param, unknown_param

Check = Callable[[Any, str], Any]

_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def anything(raw: Any, name: str) -> Any:
    """Stored as it came: the sandbox has no opinion about it."""
    return raw


def text(raw: Any, name: str, *, longest: int = 5000) -> str:
    """A string, neither empty nor too long."""
    if not isinstance(raw, str):
        raise ApiError(f"Invalid string: {name}", param=name)
    if not raw:
        raise ApiError(f"You passed an empty string for '{name}'.", code="parameter_invalid_empty", param=name)
    if len(raw) > longest:
        raise ApiError(f"Invalid string: {name} must be at most {longest} characters", param=name)
    return raw


def text_up_to(longest: int) -> Check:
    """A string of at most so many characters."""
    return lambda raw, name: text(raw, name, longest=longest)


def whole(raw: Any, name: str) -> int:
    """A whole number."""
    if not isinstance(raw, str) or not re.fullmatch(r"-?[0-9]{1,18}", raw):
        raise ApiError(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=name)
    return int(raw)


def at_least(least: int) -> Check:
    """A whole number that is not less."""

    def check(raw: Any, name: str) -> int:
        number = whole(raw, name)
        if number < least:
            message = f"This value must be greater than or equal to {least}."
            raise ApiError(message, code="parameter_invalid_integer", param=name)
        return number

    return check


def flag(raw: Any, name: str) -> bool:
    """``true`` or ``false``."""
    if raw not in ("true", "false"):
        raise ApiError(f"Invalid boolean: {raw}", param=name)
    return bool(raw == "true")


def one_of(*choices: str) -> Check:
    """One of a few words."""

    def check(raw: Any, name: str) -> str:
        if raw not in choices:
            raise ApiError(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
        return str(raw)

    return check


def web_address(raw: Any, name: str) -> str:
    """An absolute http or https URL with a plain host: it ends in a Location header and in our page's policy."""
    url = text(raw, name)
    parts = _split(url)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not _HOST.fullmatch(parts.netloc)
        or re.search(r"[\s\x00-\x1f]", url)
    ):
        raise ApiError("Not a valid URL", code="url_invalid", param=name)
    return url


def _split(url: str) -> Any:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def list_of(check: Check, *, most: int = 100) -> Check:
    """A list, each member checked."""

    def checked(raw: Any, name: str) -> list[Any]:
        if not isinstance(raw, dict) or not all(index.isdigit() for index in raw):
            raise ApiError("Invalid array", param=name)
        if len(raw) > most:
            raise ApiError(f"Array {name} exceeded maximum {most} allowed elements.", param=name)
        return [check(raw[index], f"{name}[{index}]") for index in sorted(raw, key=int)]

    return checked


def metadata(raw: Any, name: str) -> dict[str, str]:
    """Up to 50 keys of 40 characters with values of 500; an empty value unsets its key."""
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise ApiError("Invalid object", param=name)
    if len(raw) > 50:
        raise ApiError("Metadata can have at most 50 keys.", param=name)
    for key, value in raw.items():
        if len(key) > 40:
            raise ApiError(f"Metadata keys can be at most 40 characters; '{key}' is longer.", param=f"{name}[{key}]")
        if len(value) > 500:
            raise ApiError("Metadata values can be at most 500 characters.", param=f"{name}[{key}]")
    return {key: value for key, value in raw.items() if value}


def metadata_change(raw: Any, name: str) -> dict[str, str]:
    """Metadata of an update: what an empty value unsets stays in it, and an empty string alone unsets everything."""
    if raw == "":
        return {}
    metadata(raw, name)
    return {**raw}


def merged(known: dict[str, str], change: dict[str, str] | None) -> dict[str, str]:
    """Metadata after an update."""
    if change is None:
        return known
    return {key: value for key, value in {**known, **change}.items() if value} if change else {}


def shape(required: str = "", /, **fields: Check) -> Check:
    """An object with these fields and no others; ``required`` names the ones that must be there."""

    def check(raw: Any, name: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise ApiError("Invalid object", param=name)
        for field in raw:
            if field not in fields:
                raise unknown_param(_inside(name, field))
        for field in required.split():
            if field not in raw:
                raise missing_param(_inside(name, field))
        return {field: fields[field](value, _inside(name, field)) for field, value in raw.items()}

    return check


def _inside(name: str, field: str) -> str:
    return f"{name}[{field}]" if name else field
