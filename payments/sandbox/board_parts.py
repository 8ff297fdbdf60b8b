"""The few shapes that the page of buttons is made of."""

from __future__ import annotations

from html import escape


def form(path: str, label: str, **said: str) -> str:
    """A button that posts a few fixed things."""
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in said.items())
    return f'<form method="post" action="/_sandbox/{path}">{fields}<button class="chip">{escape(label)}</button></form>'


def row(buttons: list[str]) -> str:
    """Buttons side by side, as far as there is room."""
    return f'<div class="row">{"".join(buttons)}</div>' if buttons else ""


def card(head: str, status: str, name: str, buttons: list[str], more: str = "") -> str:
    """A thing: what it is, how it is, and what can be done to it."""
    return (
        f'<article class="thing"><p class="row"><b><bdi>{escape(head)}</bdi></b>'
        f'<span class="badge">{escape(status)}</span><code>{escape(name)}</code></p>{row(buttons)}{more}</article>'
    )


def table(heads: list[str], rows: list[list[str]], empty: str) -> str:
    """Rows of cells that are HTML already."""
    if not rows:
        return f"<p>{escape(empty)}</p>"
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for cells in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
