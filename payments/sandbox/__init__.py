"""A Stripe that fits in a drawer: a program of its own that imitates the slice of Stripe's API a coin shop needs.

Run it with ``python -m payments.sandbox``. It imports nothing of the shop, and the shop imports nothing of it:
they meet over HTTP, as the shop meets Stripe.
"""
