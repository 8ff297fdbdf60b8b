"""Whom coins are bought for: oneself, or somebody else who may have them."""

from django.utils.translation import gettext as _

from coinshop.accounts import ages, blocks
from coinshop.accounts.models import User


class NotReachable(Exception):
    """Coins cannot be bought for that person. `args[0]` says so, and not why: that is theirs to tell."""


def find(handle: str, *, buyer: User) -> User:
    """The person of that name, whom `buyer` may buy coins for; the buyer, where no name is given.

    Raises NotReachable, in the same words for somebody who does not exist, is too young, has left, or has blocked the
    buyer.
    """
    handle = handle.strip().lstrip("@").lower()
    if handle in ("", buyer.handle):
        return buyer
    found = User.objects.filter(handle=handle, is_active=True).first() if "\0" not in handle else None
    if found is None or ages.objection_to(found) or blocks.has_blocked(found, buyer):
        raise NotReachable(
            _("You cannot buy coins for @%(handle)s. Check how the name is written, or ask them for it.")
            % {"handle": handle[:30].replace("\0", "")}
        )
    return found
