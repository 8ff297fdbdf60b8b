"""Do the gifts and the ledger tell the same story? Joined to `manage.py audit_ledger`."""

from collections.abc import Iterator

from wallet import ledger
from wallet.ledger import TransferKind

CHECKS = {
    "a gift that was sent has its transfer: its coins from its sender, its diamonds to its creator": f"""
        SELECT format('gift %s of person %s: %s coins and %s diamonds, but transfer %s says otherwise',
                      g.id, g.sender_id, g.coins, g.diamonds, g.transfer_id)
          FROM gifts_sentgift g
          LEFT JOIN wallet_transfer t ON t.id = g.transfer_id AND t.kind = {TransferKind.GIFT} AND t.home = g.sender_id
                AND t.debit_amount = g.coins AND t.credit_amount = g.diamonds AND t.cause = 'gift:' || g.gift_id
          LEFT JOIN wallet_account c ON c.id = t.credit_account_id AND c.kind = 'diamonds' AND c.home = g.creator_id
         WHERE t.id IS NULL OR c.id IS NULL""",
    "a gift's transfer belongs to a gift that was sent": f"""
        SELECT format('transfer %s (%s) belongs to no gift', t.id, t.cause)
          FROM wallet_transfer t LEFT JOIN gifts_sentgift g ON g.transfer_id = t.id
         WHERE t.kind = {TransferKind.GIFT} AND g.id IS NULL""",
}


def findings() -> Iterator[str]:
    for rule, sql in CHECKS.items():
        yield from ledger.broken(rule, sql)
