"""Sales in the console, a page of the menu in each module."""

from payments.admin import money, orders, prices, promotions, provider

__all__ = ["money", "orders", "prices", "promotions", "provider"]
