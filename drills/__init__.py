"""Fault drills: a real shop, people who buy and give, a seeded nemesis, and a checker that believes nobody.

Start with drills/README.md. Nothing of the shop imports this package.
"""
