"""Do the orders and the ledger tell the same story? Joined to `manage.py audit_ledger`."""

from collections.abc import Iterator

from django.db.models import Sum

from payments.models import BalanceTransaction, Dispute, Refund
from wallet import ledger
from wallet.ledger import AccountKind, TransferKind

K = TransferKind

# What went back of the payment that settled each order, as `reversals.returned_of` counts it.
RETURNED = f"""
    SELECT o.id AS order_id, o.price_minor * refunded.amount / p.amount_minor
                           + o.price_minor * disputed.amount / p.amount_minor AS total
      FROM payments_payment p JOIN payments_order o ON o.id = p.order_id,
           LATERAL (SELECT coalesce(sum(amount_minor), 0)::bigint AS amount FROM payments_refund
                     WHERE payment_id = p.id
                       AND (status IN ({", ".join(f"'{status}'" for status in Refund.EFFECTIVE)})
                            OR status = '{Refund.Status.ASKED}' AND takes_at_once)) refunded,
           LATERAL (SELECT coalesce(sum(CASE currency WHEN p.currency THEN amount_minor
                                                      ELSE p.amount_minor END), 0)::bigint AS amount
                      FROM payments_dispute
                     WHERE payment_id = p.id AND is_withdrawn AND NOT starts_with(status, 'warning_')
                       AND status NOT IN ({", ".join(f"'{status}'" for status in Dispute.IN_OUR_FAVOUR)})) disputed
     WHERE NOT p.is_surplus AND (p.disagreement = '' OR p.decision = 'delivered')"""

# What the ledger took for it: coins from their owner or as a debt, bonus coins, money, and the tax within.
TAKEN = f"""
    SELECT cause, sum(CASE WHEN kind IN ({K.TAKEN_BACK}, {K.TAKEN_AS_DEBT}) THEN debit_amount
                           WHEN kind IN ({K.GIVEN_BACK}, {K.DEBT_FORGIVEN}) THEN -debit_amount ELSE 0 END) AS coins,
                  sum(CASE kind WHEN {K.BONUS_TAKEN_BACK} THEN debit_amount
                                WHEN {K.BONUS_GIVEN_BACK} THEN -debit_amount ELSE 0 END) AS bonus,
                  sum(CASE WHEN kind IN ({K.MONEY_UNTAXED}, {K.MONEY_UNSOLD}, {K.MONEY_UNEARNED}, {K.MONEY_LOST})
                           THEN debit_amount WHEN kind = {K.MONEY_GIVEN_BACK} THEN -debit_amount ELSE 0 END) AS money,
                  sum(CASE WHEN kind = {K.MONEY_UNTAXED} AND NOT EXISTS (
                             SELECT FROM wallet_transfer back WHERE back.reverses = t.id)
                           THEN debit_amount ELSE 0 END) AS tax
      FROM wallet_transfer t WHERE cause LIKE 'order:%' GROUP BY 1"""

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
         WHERE t.kind IN ({TransferKind.SALE}, {TransferKind.BONUS}) AND o.id IS NULL
           AND NOT (t.kind = {TransferKind.BONUS} AND t.cause LIKE 'gift_card:%')""",
    "a gift card was redeemed once, for what it is worth": f"""
        SELECT format('gift card %s: %s coins for %s, but the ledger has %s', coalesce('' || c.id, t.cause),
                      CASE WHEN c.redeemed_by_id IS NULL THEN 0 ELSE c.coins END,
                      coalesce('person ' || c.redeemed_by_id, 'nobody'), coalesce('' || t.amount, 'nothing'))
          FROM (SELECT card.id, card.redeemed_by_id, batch.coins
                  FROM payments_giftcard card JOIN payments_giftcardbatch batch ON batch.id = card.batch_id) c
          FULL JOIN (SELECT cause, home, sum(credit_amount) AS amount FROM wallet_transfer
                      WHERE kind = {TransferKind.BONUS} AND cause LIKE 'gift_card:%' GROUP BY 1, 2) t
            ON t.cause = 'gift_card:' || c.id AND t.home = c.redeemed_by_id
         WHERE (CASE WHEN c.redeemed_by_id IS NULL THEN 0 ELSE c.coins END) IS DISTINCT FROM coalesce(t.amount, 0)""",
    "a settled order has the payment that settled it": """
        SELECT format('order %s is settled, but no payment of %s %s agrees with it',
                      o.number, o.price_minor, o.currency)
          FROM payments_order o
         WHERE o.state = 'settled' AND NOT EXISTS (
           SELECT FROM payments_payment p WHERE p.order_id = o.id AND NOT p.is_surplus AND (p.decision = 'delivered'
               OR p.disagreement = '' AND p.amount_minor = o.price_minor AND p.currency = o.currency))""",
    "a settled order's money is owed to its buyer, and its tax to the state": f"""
        SELECT format('order %s: %s %s were paid, %s of it tax, but the books have %s and %s', o.number, o.price_minor,
                      o.currency, o.tax_minor, coalesce(m.net, 0), coalesce(m.tax, 0))
          FROM payments_order o
          LEFT JOIN (SELECT cause, sum(debit_amount) FILTER (WHERE kind = {TransferKind.MONEY_SOLD}) AS net,
                            sum(debit_amount) FILTER (WHERE kind = {TransferKind.MONEY_TAXED}) AS tax
                       FROM wallet_transfer GROUP BY 1) m ON m.cause = 'order:' || o.id
         WHERE o.state = 'settled'
           AND (coalesce(m.net, 0), coalesce(m.tax, 0)) <> (o.price_minor - o.tax_minor, o.tax_minor)""",
    "what went back of an order took its share of coins, tax and money, and of the bonus no more": f"""
        SELECT format('order %s: %s %s went back, which takes %s coins, up to %s bonus and %s tax; '
                      'taken were %s coins, %s bonus, %s tax and %s money',
                      number, total, currency, due.coins, due.bonus, due.tax,
                      taken.coins, taken.bonus, taken.tax, taken.money)
          FROM (SELECT o.id, o.number, o.currency, b.total, o.coins * part.minor / o.price_minor AS coins,
                       o.bonus * part.minor / o.price_minor AS bonus, o.tax_minor * part.minor / o.price_minor AS tax
                  FROM payments_order o LEFT JOIN ({RETURNED}) r ON r.order_id = o.id AND o.state = 'settled',
                       LATERAL (SELECT coalesce(r.total, 0) AS total) b,
                       LATERAL (SELECT least(b.total, o.price_minor) AS minor) part) due
          LEFT JOIN ({TAKEN}) t ON t.cause = 'order:' || due.id,
               LATERAL (SELECT coalesce(t.coins, 0) AS coins, coalesce(t.bonus, 0) AS bonus, coalesce(t.tax, 0) AS tax,
                               coalesce(t.money, 0) AS money) taken
         WHERE (taken.coins, taken.tax, taken.money) <> (due.coins, due.tax, due.total) OR taken.bonus > due.bonus""",
    "a payment that agrees with its order has settled it": """
        SELECT format('payment %s agrees with order %s, which is %s', p.intent_id, o.number, o.state)
          FROM payments_payment p JOIN payments_order o ON o.id = p.order_id
         WHERE NOT p.is_surplus AND (p.disagreement = '' OR p.decision = 'delivered') AND o.state <> 'settled'""",
}


def findings() -> Iterator[str]:
    for rule, sql in CHECKS.items():
        yield from ledger.broken(rule, sql)
    yield from _provider()


def _provider() -> Iterator[str]:
    """The lines of the provider's balance that we have read are in the ledger, and nothing else is."""
    lines = BalanceTransaction.objects.order_by().values_list("currency").annotate(net=Sum("net_minor"))
    read, books = dict(lines), {total.unit: -total.balance for total in ledger.totals_of(AccountKind.STRIPE_BALANCE)}
    for currency in sorted(read.keys() | books.keys()):
        if read.get(currency, 0) != books.get(currency, 0):
            yield (
                "broken: the books say what the lines of the provider's balance add up to. "
                f"{currency}: the lines say {read.get(currency, 0)}, the books {books.get(currency, 0)}"
            )
