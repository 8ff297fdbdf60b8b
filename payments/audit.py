"""Do the orders and the ledger tell the same story? Joined to `manage.py audit_ledger`."""

from collections.abc import Iterator

from wallet import ledger
from wallet.ledger import TransferKind

CHECKS = {
    "a settled order has its sale, in full, to its recipient, and its bonus": f"""
        SELECT format('order %s: %s coins and %s bonus for person %s, but the ledger has %s and %s',
                      o.number, o.coins, o.bonus, o.recipient_id, coalesce(s.amount, 0), coalesce(b.amount, 0))
          FROM payments_order o
          LEFT JOIN (SELECT cause, home, sum(credit_amount) AS amount FROM wallet_transfer
                      WHERE kind = {TransferKind.SALE} GROUP BY 1, 2) s
            ON s.cause = 'order:' || o.id AND s.home = o.recipient_id
          LEFT JOIN (SELECT cause, home, sum(credit_amount) AS amount FROM wallet_transfer
                      WHERE kind = {TransferKind.BONUS} GROUP BY 1, 2) b
            ON b.cause = 'order:' || o.id AND b.home = o.recipient_id
         WHERE o.state = 'settled' AND (coalesce(s.amount, 0) <> o.coins OR coalesce(b.amount, 0) <> o.bonus)""",
    "an order that is not settled has no sale": f"""
        SELECT format('order %s is %s, but transfer %s sold its coins', o.number, o.state, t.id)
          FROM payments_order o JOIN wallet_transfer t ON t.cause = 'order:' || o.id
         WHERE o.state <> 'settled' AND t.kind IN ({TransferKind.SALE}, {TransferKind.BONUS})""",
    "a sale belongs to an order": f"""
        SELECT format('transfer %s (%s) belongs to no order', t.id, t.cause)
          FROM wallet_transfer t LEFT JOIN payments_order o ON t.cause = 'order:' || o.id
         WHERE t.kind IN ({TransferKind.SALE}, {TransferKind.BONUS}) AND o.id IS NULL""",
    "a settled order has the payment that settled it": """
        SELECT format('order %s is settled, but no payment of %s %s agrees with it',
                      o.number, o.price_minor, o.currency)
          FROM payments_order o
         WHERE o.state = 'settled' AND NOT EXISTS (
           SELECT FROM payments_payment p WHERE p.order_id = o.id AND NOT p.is_surplus AND p.disagreement = ''
              AND p.amount_minor = o.price_minor AND p.currency = o.currency)""",
    "a settled order's money is owed to its buyer, and its tax to the state": f"""
        SELECT format('order %s: %s %s were paid, %s of it tax, but the books have %s and %s', o.number, o.price_minor,
                      o.currency, o.tax_minor, coalesce(m.net, 0), coalesce(m.tax, 0))
          FROM payments_order o
          LEFT JOIN (SELECT cause, sum(debit_amount) FILTER (WHERE kind = {TransferKind.MONEY_SOLD}) AS net,
                            sum(debit_amount) FILTER (WHERE kind = {TransferKind.MONEY_TAXED}) AS tax
                       FROM wallet_transfer GROUP BY 1) m ON m.cause = 'order:' || o.id
         WHERE o.state = 'settled'
           AND (coalesce(m.net, 0), coalesce(m.tax, 0)) <> (o.price_minor - o.tax_minor, o.tax_minor)""",
    "a payment that agrees with its order has settled it": """
        SELECT format('payment %s agrees with order %s, which is %s', p.intent_id, o.number, o.state)
          FROM payments_payment p JOIN payments_order o ON o.id = p.order_id
         WHERE NOT p.is_surplus AND p.disagreement = '' AND o.state <> 'settled'""",
}


def findings() -> Iterator[str]:
    for rule, sql in CHECKS.items():
        yield from ledger.broken(rule, sql)
