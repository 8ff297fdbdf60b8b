"""Form bodies and query strings in Stripe's bracket notation: ``line_items[0][quantity]=1``."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from .errors import ApiError

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parse(encoded: str) -> dict[str, Any]:
    """Nested dicts. A list stays a dict of its indexes: ``metadata[1]`` looks alike, and only params.py can tell."""
    tree: dict[str, Any] = {}
    for name, value in _pairs(encoded):
        _plant(tree, _steps(name), value, name)
    return tree


def _pairs(encoded: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=2000)
    except ValueError as trouble:
        raise ApiError("Invalid request: the parameters could not be read.") from trouble


def _steps(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ApiError(f"Invalid parameter name: {name}")
    return [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]


def _plant(tree: dict[str, Any], steps: list[str], value: str, name: str) -> None:
    *branches, leaf = steps
    for step in branches:
        tree = tree.setdefault(step or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise ApiError(f"Invalid parameter: {name} is both a value and an object.", param=name)
    tree[leaf or str(len(tree))] = value
