"""The book of somebody's lots without folding their whole history: it goes on from one that was kept.

What is kept is derived. Rows of wallet_lotcheckpoint may be deleted at any time; the next fold starts at the beginning.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from wallet.database import ask
from wallet.lots import FOLD, Book, Event, ForgottenError
from wallet.models import LotCheckpoint, TransferKind
from wallet.statements import Line, Position, every_line

Prices = Callable[[set[str]], Mapping[str, tuple[int, str]]]

CHUNK = 2_000
WORTH_KEEPING = 1_000  # rows that were folded; fewer are folded again in a few milliseconds
RETURNS = {TransferKind.TAKEN_BACK}  # coins that go back to the house for their money


def book_of(account: int, price_of: Prices, *, whole: bool = False) -> Book:
    """The lots of an account of coins.

    `price_of` tells what was paid for sales, by cause: minor units and currency. Its answers are kept, so they must
    stay the same. A long account's book has forgotten what is over (`Book.forget`), unless it is asked for `whole`.
    """
    if whole:
        return _fold(account, price_of, Book())[0]
    book, folded = _go_on(account, price_of)
    if folded >= WORTH_KEEPING:
        _keep(account, book)
    return book


def _go_on(account: int, price_of: Prices) -> tuple[Book, int]:
    kept = LotCheckpoint.objects.filter(account_id=account, state__fold=FOLD).first()
    if kept:
        try:
            return _fold(account, price_of, Book.from_json(kept.state))
        except ForgottenError:  # something old is taken back, which is rare
            pass
    return _fold(account, price_of, Book())


def _fold(account: int, price_of: Prices, book: Book) -> tuple[Book, int]:
    """Add what came after a book, and say how many rows that was."""
    rows = 0
    lines = every_line(account, begin=Position(book.last + 1, sum(lot.left for lot in book.lots.values())))
    while chunk := list(islice(lines, CHUNK)):
        for event in _events(account, chunk, price_of):
            book.add(event)
        rows += len(chunk)
    return book, rows


def _events(account: int, lines: list[Line], price_of: Prices) -> Iterator[Event]:
    prices = price_of({line.cause for line in lines if line.kind == TransferKind.SALE})
    sales = _sales(account, {line.cause for line in lines if line.kind in RETURNS})
    for line in lines:
        cost, currency = prices.get(line.cause, (0, "")) if line.kind == TransferKind.SALE else (0, "")
        is_return = line.kind in RETURNS
        reverses = sales.get(line.cause) if is_return else line.reverses
        yield Event(line.transfer_id, line.amount, cost, currency, reverses, is_return)


def _sales(account: int, causes: set[str]) -> dict[str, int]:
    """Which transfers sold the coins of causes: what is taken back comes from the lot it was bought with."""
    if not causes:
        return {}
    rows = ask(
        "SELECT cause, id FROM wallet_transfer WHERE credit_account_id = %s AND kind = %s AND cause = ANY(%s)",
        [account, TransferKind.SALE, list(causes)],
    )
    return dict(rows)


def _keep(account: int, book: Book) -> None:
    book.forget()
    row = LotCheckpoint(account_id=account, state=book.as_json())
    LotCheckpoint.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["account_id"], update_fields=["state"]
    )
