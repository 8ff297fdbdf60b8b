CREATE OR REPLACE FUNCTION ledger_roll_up(only_account bigint DEFAULT NULL) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH free   AS MATERIALIZED (SELECT a.id FROM wallet_account a
                               WHERE a.id IN (SELECT p.account_id FROM wallet_pendingcredit p WHERE p.account_id = coalesce(only_account, p.account_id))
                               FOR NO KEY UPDATE SKIP LOCKED),
       taken  AS (DELETE FROM wallet_pendingcredit p WHERE (p.account_id IN (SELECT id FROM free)) IS TRUE
                  RETURNING p.account_id, p.amount),
       sums   AS (SELECT account_id, sum(amount)::bigint AS amount, count(*) AS n FROM taken GROUP BY account_id),
       rolled AS (UPDATE wallet_account a SET balance = a.balance + sums.amount FROM sums WHERE a.id = sums.account_id RETURNING n)
  SELECT coalesce(sum(n), 0)::bigint FROM rolled
$$;
