CREATE OR REPLACE FUNCTION ledger_transfer_many(moves ledger_move[], each_for_itself boolean)
RETURNS TABLE (n bigint, outcome text, transfer_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN <<attempt>> LOOP BEGIN                                 -- planning costs more than posting
  PERFORM pg_advisory_xact_lock(turn.key) FROM (
    SELECT DISTINCT uuid_hash_extended(m.with_key, m.at_home) AS key FROM unnest(moves) m ORDER BY 1) turn;
  PERFORM FROM wallet_account a                              -- every balance that may change, in id order
    WHERE a.id = ANY (ARRAY(SELECT m.payer FROM unnest(moves) m UNION SELECT m.payee FROM unnest(moves) m))
      AND (a.posting IN ('at once', 'owed') OR a.posting = 'deferred' AND a.id IN (SELECT m.payer FROM unnest(moves) m))
    ORDER BY a.id FOR NO KEY UPDATE;
  PERFORM ledger_roll_up(a.id) FROM wallet_account a
    WHERE a.posting = 'deferred' AND a.id IN (SELECT m.payer FROM unnest(moves) m);

  RETURN QUERY
    WITH asked AS MATERIALIZED (
      SELECT m.*, first.id AS first_id, pays.posting AS pays, gets.posting AS gets, pays.balance, pays.unit AS unit_out, gets.unit AS unit_in,
             gets.home AS payee_home, row_number() OVER same_key AS turn,
             (m.of_kind, m.payer, m.amount_out, m.payee, m.amount_in)
               <> (first_value(m.of_kind) OVER same_key, first_value(m.payer) OVER same_key, first_value(m.amount_out) OVER same_key,
                   first_value(m.payee) OVER same_key, first_value(m.amount_in) OVER same_key) AS differs,
             CASE WHEN first.id IS NOT NULL THEN CASE
                    WHEN (first.kind, first.debit_account_id, first.debit_amount, first.credit_account_id, first.credit_amount, coalesce(first.reverses, 0))
                       = (m.of_kind, m.payer, m.amount_out, m.payee, m.amount_in, 0) THEN 'replayed' ELSE 'conflict' END
                  WHEN pays.id IS NULL OR gets.id IS NULL THEN 'unknown'
                  WHEN pays.closed_at IS NOT NULL OR gets.closed_at IS NOT NULL THEN 'closed'
                  WHEN m.payer = m.payee OR 'owed' IN (pays.posting, gets.posting) OR m.amount_out <= 0 OR m.amount_in < 0 OR m.at_home <= 0
                    OR pays.unit = gets.unit AND m.amount_out <> m.amount_in
                    OR m.at_home <> CASE WHEN NOT pays.is_house THEN pays.home WHEN NOT gets.is_house THEN gets.home ELSE m.at_home END
                    THEN 'unfit' END AS verdict
        FROM unnest(moves) WITH ORDINALITY m
        LEFT JOIN wallet_transfer first ON first.home = m.at_home AND first.key = m.with_key
        LEFT JOIN wallet_account pays ON pays.id = m.payer LEFT JOIN wallet_account gets ON gets.id = m.payee
        WINDOW same_key AS (PARTITION BY m.at_home, m.with_key ORDER BY m.ordinality)
    ), weighed AS (
      SELECT a.*, CASE WHEN a.pays <> 'derived' THEN a.balance - sum(a.amount_out) OVER (PARTITION BY a.payer ORDER BY a.ordinality) END AS balance_after
        FROM asked a WHERE a.verdict IS NULL AND a.turn = 1
    ), judged AS (
      SELECT w.*, w.balance_after IS NULL OR w.balance_after >= 0 AS is_covered FROM weighed w
    ), covered AS MATERIALIZED (
      SELECT * FROM judged j WHERE j.is_covered
         AND (each_for_itself OR NOT EXISTS (SELECT FROM asked a WHERE a.verdict <> 'replayed' OR a.differs)
                             AND NOT EXISTS (SELECT FROM judged other WHERE NOT other.is_covered))
    ), legs AS (                                             -- what came in earlier in the batch is no cover, but it is there
      SELECT c.*, c.payer AS account, 0::bigint AS came FROM covered c
      UNION ALL SELECT c.*, c.payee, c.amount_in FROM covered c WHERE c.gets = 'at once'
    ), told AS (
      SELECT l.*, sum(l.came) OVER (PARTITION BY l.account ORDER BY l.ordinality)::bigint AS arrived FROM legs l
    ), posted AS (
      INSERT INTO wallet_transfer AS t (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                                        credit_account_id, credit_unit, credit_amount, debit_balance_after)
      SELECT p.at_home, p.with_key, p.of_kind, p.for_cause, p.payer, p.unit_out, p.amount_out, p.payee, p.unit_in, p.amount_in,
             p.balance_after + p.arrived
        FROM told p WHERE p.account = p.payer ORDER BY p.ordinality RETURNING t.*
    ), deferred AS (
      INSERT INTO wallet_pendingcredit (account_id, home, amount)
      SELECT c.payee, c.payee_home, sum(c.amount_in)::bigint FROM covered c WHERE c.gets = 'deferred' AND c.amount_in > 0 GROUP BY 1, 2
    ), moved AS (
      UPDATE wallet_account a SET balance = a.balance + net.change FROM (
        SELECT leg.account_id, sum(leg.amount)::bigint AS change FROM (
          SELECT c.payer, -c.amount_out FROM covered c WHERE c.pays <> 'derived'
          UNION ALL SELECT c.payee, c.amount_in FROM covered c WHERE c.gets = 'at once') AS leg (account_id, amount)
        GROUP BY leg.account_id) AS net WHERE a.id = net.account_id
    )
    SELECT a.ordinality,
           CASE WHEN a.verdict IS NOT NULL THEN a.verdict
                WHEN a.differs THEN 'conflict'
                WHEN p.id IS NOT NULL THEN CASE WHEN a.turn = 1 THEN 'posted' ELSE 'replayed' END
                WHEN EXISTS (SELECT FROM judged j WHERE (j.at_home, j.with_key) = (a.at_home, a.with_key) AND NOT j.is_covered) THEN 'insufficient'
                ELSE 'withheld' END,
           coalesce(a.first_id, p.id)
      FROM asked a LEFT JOIN posted p ON (p.home, p.key) = (a.at_home, a.with_key) ORDER BY a.ordinality;
  EXIT attempt;
EXCEPTION WHEN unique_violation THEN                         -- a movement by itself took one of these keys meanwhile: look again
END; END LOOP; END $$;
