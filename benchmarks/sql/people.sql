-- As many fans with coins and creators without as base.sql has, in numbers that a script can reckon with:
-- fan n has coins in account 1,000,000 + n and no bonus coins in 2,000,000 + n; creator n earns in 3,000,000 + n.
-- Their coins were sold to them: the books are in order before the first gift, so the audit has something to say after the last.
INSERT INTO wallet_account (id, home, kind, unit, is_house, posting, balance)
SELECT 1000000 + n, n, 'coins', 1, false, 'at once', 1000000000 FROM generate_series(1, 100000) n;
INSERT INTO wallet_account (id, home, kind, unit, is_house, posting)
SELECT 2000000 + n, n, 'promo', 1, false, 'at once' FROM generate_series(1, 100000) n;
INSERT INTO wallet_account (id, home, kind, unit, is_house, posting)
SELECT 3000000 + n, n, 'diamonds', 2, false, 'deferred' FROM generate_series(100001, 200000) n;

INSERT INTO wallet_transfer (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                             credit_account_id, credit_unit, credit_amount)
SELECT n, gen_random_uuid(), 1, 'order:' || n, issued.id, 1, 1000000000, 1000000 + n, 1, 1000000000
  FROM generate_series(1, 100000) n, wallet_account issued WHERE issued.kind = 'issued';

VACUUM ANALYZE wallet_account;
VACUUM ANALYZE wallet_transfer;
