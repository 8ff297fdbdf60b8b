-- One fan and one creator between whom there was nothing but gifts: two accounts with so many lines each.
INSERT INTO wallet_transfer (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                             credit_account_id, credit_unit, credit_amount, debit_balance_after)
SELECT 1, gen_random_uuid(), 3, 'gift:1', 1000001, 1, 2, 3100001, 2, 1, 1000000000 - 2 * turn
  FROM generate_series(1, :gifts) turn;
UPDATE wallet_account SET balance = balance - 2 * :gifts WHERE id = 1000001;
UPDATE wallet_account SET balance = balance + :gifts WHERE id = 3100001;

VACUUM ANALYZE wallet_account;
VACUUM ANALYZE wallet_transfer;
