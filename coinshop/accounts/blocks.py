"""Who wants nothing from whom. The blocked are not told."""

from coinshop.accounts.models import Block, User


def block(person: User, other: User) -> None:
    """Let `person` get nothing from `other` any more. Safe to repeat; nobody blocks themselves."""
    if person.pk != other.pk:
        Block.objects.get_or_create(blocker=person, blocked=other)


def unblock(person: User, block_id: int) -> None:
    """Take back a block of one's own. Safe to repeat."""
    Block.objects.filter(pk=block_id, blocker=person).delete()


def has_blocked(person: User, other: User) -> bool:
    """Does `person` want nothing from `other`?"""
    return Block.objects.filter(blocker=person, blocked=other).exists()
