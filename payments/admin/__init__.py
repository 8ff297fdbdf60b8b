"""Sales in the console, a page of the menu in each module."""

from payments.admin import gift_cards, money, orders, prices, promotions, provider, revisions

__all__ = ["gift_cards", "money", "orders", "prices", "promotions", "provider", "revisions"]
