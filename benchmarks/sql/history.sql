-- So many gifts of 2 coins for 1 diamond, as if posted one by one: from fans and to creators in no order, rolled up.
CREATE TEMP TABLE gift AS
  SELECT n, fan, 100001 + random(0, 99999) AS creator, row_number() OVER (PARTITION BY fan ORDER BY n) AS turn
    FROM (SELECT n, random(1, 100000) AS fan FROM generate_series(1, :gifts) n) drawn;

INSERT INTO wallet_transfer (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                             credit_account_id, credit_unit, credit_amount, debit_balance_after)
SELECT fan, gen_random_uuid(), 3, 'gift:1', 1000000 + fan, 1, 2, 3000000 + creator, 2, 1, 1000000000 - 2 * turn
  FROM gift ORDER BY n;

UPDATE wallet_account a SET balance = balance - 2 * n
  FROM (SELECT 1000000 + fan AS id, count(*) AS n FROM gift GROUP BY 1) given WHERE a.id = given.id;
UPDATE wallet_account a SET balance = balance + n
  FROM (SELECT 3000000 + creator AS id, count(*) AS n FROM gift GROUP BY 1) earned WHERE a.id = earned.id;

VACUUM ANALYZE wallet_account;
VACUUM ANALYZE wallet_transfer;
