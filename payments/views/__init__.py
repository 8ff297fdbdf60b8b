"""Buying coins, as people and the provider see it: a module for each part of the way."""
