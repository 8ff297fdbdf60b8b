"""What the ledger refuses, and the errors that say so."""

import uuid

from wallet.models import TransferKind

LAST_ID = 2**63 - 1  # of a bigint


class LedgerError(Exception):
    """The ledger refused, and nothing has moved."""


class InvalidMove(LedgerError):
    """The amounts, units or homes of a movement do not agree, or it has no proper key, kind or cause."""


class InsufficientFunds(LedgerError):
    """The paying account does not cover the amount."""


class UnknownAccount(LedgerError):
    """One of the accounts does not exist."""


class ClosedAccount(LedgerError):
    """One of the accounts is closed."""


class IdempotencyConflict(LedgerError):
    """The key was used before, for another movement."""


REFUSALS: dict[str, type[LedgerError]] = {
    "unfit": InvalidMove,
    "insufficient": InsufficientFunds,
    "unknown": UnknownAccount,
    "closed": ClosedAccount,
    "conflict": IdempotencyConflict,
}


def expect_id(number: object, what: str, *, least: int = 1) -> None:
    """Raise InvalidMove unless this can be the id of a row."""
    if type(number) is not int or not least <= number <= LAST_ID:
        raise InvalidMove(f"{number!r} is not the number of {what}")


def expect_fact(home: object, key: object, kind: object, cause: object, undoes: object = None) -> None:
    """Raise InvalidMove unless a movement has a home, a proper key, a kind and a cause."""
    expect_id(home, "a person at home")
    if undoes is not None:
        expect_id(undoes, "a transfer to undo")
    if not isinstance(key, uuid.UUID):
        raise InvalidMove(f"{key!r} is not a key: one is a UUID, made by key_of or client_key")
    if not isinstance(kind, TransferKind):
        raise InvalidMove(f"{kind!r} is no kind of movement")
    if not isinstance(cause, str) or not cause.strip() or "\0" in cause:
        raise InvalidMove("every movement has a cause")
