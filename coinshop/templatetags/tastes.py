"""Help to choose a package by how one gives: what coins can become, in gifts of one's own liking."""

from typing import Any

from django import template
from django.core.cache import cache
from django.templatetags.static import static
from django.utils.translation import gettext, gettext_noop

from gifts.models import Gift

register = template.Library()

# A way of giving, and the price of a gift that stands for it.
WAYS = {
    "small": (gettext_noop("Something small, often"), 10),
    "middle": (gettext_noop("Now and then something bigger"), 500),
    "big": (gettext_noop("One big thing"), 5000),
}


@register.simple_tag(takes_context=True)
def tastes(context: template.Context) -> list[dict[str, Any]]:
    """The ways of giving, each with the gift of the catalogue that stands for it; the reader's own is chosen."""
    chosen = context["request"].GET.get("like", "")
    return [
        {
            "value": way,
            "label": gettext(WAYS[way][0]),
            "gift": gettext(gift["name"]),
            "coins": gift["coins"],
            "picture": static(f"img/gifts/{gift['picture']}"),
            "is_chosen": way == chosen,
        }
        for way, gift in _examples().items()
    ]


@register.filter
def buys(coins: int, taste: dict[str, Any]) -> int:
    """How many gifts of a taste so many coins buy."""
    return int(coins) // int(taste["coins"])


def _examples() -> dict[str, dict[str, Any]]:
    """Looked up every ten minutes: the catalogue seldom changes, and each visitor sees this."""
    examples: dict[str, dict[str, Any]] | None = cache.get("tastes")
    if examples is None:
        gifts: list[Any] = [*Gift.objects.filter(is_on_sale=True).values("name", "coins", "picture")]
        examples = {
            way: min(gifts, key=lambda gift: abs(gift["coins"] - like)) for way, (_, like) in WAYS.items() if gifts
        }
        cache.set("tastes", examples, 600)
    return examples
