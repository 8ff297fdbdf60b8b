"""Marks of a mailbox and of a network: the same for the same one, and readable by nobody.

Limits of a promotion count by them, because an account costs nothing. A new SECRET_KEY forgets all marks.
"""

from ipaddress import IPv6Address, ip_address, ip_network

from django.utils.crypto import salted_hmac

DOTLESS = {"gmail.com", "googlemail.com"}  # https://support.google.com/mail/answer/7436150
V6_HOUSEHOLD = 64  # bits that a provider gives to one household, which chooses the others itself: RFC 6177


def of_mailbox(email: str) -> str:
    """One mark for all addresses that reach a mailbox: without its tag, and without dots where they mean nothing."""
    name, _at, domain = email.lower().rpartition("@")
    name = name.split("+")[0]
    if domain in DOTLESS:
        name, domain = name.replace(".", ""), "gmail.com"
    return _mark("mailbox", f"{name}@{domain}")


def of_network(address: str) -> str:
    """One mark for an IPv4 address, or for the household of an IPv6 address; none for no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        return _mark("network", str(ip_network((parsed.packed, V6_HOUSEHOLD), strict=False)))
    return _mark("network", str(parsed))


def _mark(what: str, value: str) -> str:
    return salted_hmac(f"payments.marks.{what}", value, algorithm="sha256").hexdigest()
