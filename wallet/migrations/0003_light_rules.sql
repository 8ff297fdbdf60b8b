-- Rules of one column become domains, which PostgreSQL does not parse anew for each statement; three of an account become one.
-- A transfer asks why only when nobody paid, and its key is claimed by the row itself instead of a lock of its own.
CREATE DOMAIN ledger_positive AS bigint CONSTRAINT amounts_are_positive CHECK (VALUE > 0);
CREATE DOMAIN ledger_not_negative AS bigint CONSTRAINT nothing_is_below_zero CHECK (VALUE >= 0);
CREATE DOMAIN ledger_cause AS text CONSTRAINT every_transfer_has_a_cause CHECK (VALUE <> '');

DROP VIEW wallet_entry;
ALTER TABLE wallet_transfer
  DROP CONSTRAINT amounts_are_positive, DROP CONSTRAINT nobody_was_ever_overdrawn, DROP CONSTRAINT every_transfer_has_a_cause,
  ALTER debit_amount TYPE ledger_positive, ALTER credit_amount TYPE ledger_not_negative,
  ALTER debit_balance_after TYPE ledger_not_negative, ALTER cause TYPE ledger_cause;
ALTER TABLE wallet_pendingcredit DROP CONSTRAINT wallet_pendingcredit_amount_check, ALTER amount TYPE ledger_positive;
ALTER TABLE wallet_account
  DROP CONSTRAINT people_are_never_overdrawn, DROP CONSTRAINT debts_are_never_overpaid, DROP CONSTRAINT the_house_is_derived,
  ADD CONSTRAINT balances_keep_to_their_side
    CHECK (CASE posting WHEN 'derived' THEN balance = 0 WHEN 'owed' THEN balance <= 0 ELSE balance >= 0 END);

CREATE VIEW wallet_entry AS
  SELECT t.id AS transfer_id, t.debit_account_id AS account_id, t.debit_unit AS unit, -t.debit_amount AS amount,
         t.debit_balance_after AS balance_after, t.kind, t.cause, t.created_at, t.reverses
    FROM wallet_transfer t
  UNION ALL
  SELECT t.id, t.credit_account_id, t.credit_unit, t.credit_amount, NULL, t.kind, t.cause, t.created_at, t.reverses
    FROM wallet_transfer t;

CREATE OR REPLACE FUNCTION ledger_account(of_owner bigint, of_kind text, of_unit smallint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  found_id bigint;
BEGIN
  SELECT id INTO found_id FROM wallet_account WHERE home = coalesce(of_owner, 0) AND kind = of_kind AND unit = of_unit;
  IF NOT FOUND THEN
    INSERT INTO wallet_account (home, owner_id, kind, unit, is_house, posting)
    SELECT u.id, u.id, new.kind, of_unit, false, new.posting
      FROM accounts_user u, (VALUES
        (1, 'coins', 'at once'), (1, 'promo', 'at once'), (1, 'coins_held', 'at once'), (1, 'receivable', 'owed'),
        (2, 'diamonds', 'deferred'), (2, 'diamonds_held', 'at once'), (2, 'diamonds_receivable', 'owed')) AS new (unit, kind, posting)
     WHERE u.id = of_owner AND new.unit = of_unit
    UNION ALL SELECT 0, NULL, of_kind, of_unit, true, 'derived' WHERE of_owner IS NULL
    ON CONFLICT (home, kind, unit) DO NOTHING;
    SELECT id INTO found_id FROM wallet_account WHERE home = coalesce(of_owner, 0) AND kind = of_kind AND unit = of_unit;
  END IF;
  RETURN found_id;
END $$;

CREATE OR REPLACE FUNCTION ledger_transfer(
  at_home bigint, with_key uuid, of_kind smallint, for_cause text,
  payer bigint, amount_out bigint, payee bigint, amount_in bigint,
  rather bigint DEFAULT NULL, rather_in bigint DEFAULT NULL, undoes bigint DEFAULT NULL,
  OUT outcome text, OUT transfer_id bigint, OUT paid_by bigint, OUT balance_after bigint, OUT arrived bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  payee_posting text;
  payee_home    bigint;
  payee_unit    smallint;
  payer_unit    smallint;
  purse         bigint;                                      -- what `rather` has
  payer_had     bigint;
  repeated      text;
  is_even       boolean := amount_out = amount_in AND amount_out = coalesce(rather_in, amount_out);
BEGIN
  <<attempt>> LOOP                                           -- once, but for one race
    SELECT a.posting, a.home, a.unit, (SELECT r.balance FROM wallet_account r WHERE r.id = rather),
           (SELECT p.balance FROM wallet_account p WHERE p.id = payer)
      INTO payee_posting, payee_home, payee_unit, purse, payer_had
      FROM wallet_account a WHERE a.id = payee AND a.closed_at IS NULL AND a.id <> payer AND a.id IS DISTINCT FROM rather;

    -- A gift changes one balance and goes straight on. Where two may change, or a rule needs both to stand still,
    -- the lower id is locked first, so opposite pairs cannot deadlock.
    IF payee_posting <> 'deferred' OR undoes IS NOT NULL THEN
      PERFORM FROM wallet_account a WHERE a.id IN (payer, payee, rather) AND a.posting <> 'derived' ORDER BY a.id FOR NO KEY UPDATE;
      PERFORM ledger_roll_up(a.id) FROM wallet_account a WHERE a.id = payer AND a.posting = 'deferred';  -- everything earned so far
      SELECT r.balance, p.balance INTO purse, payer_had FROM wallet_account p LEFT JOIN wallet_account r ON r.id = rather WHERE p.id = payer;
      IF undoes IS NOT NULL AND amount_in > ledger_undoable(undoes, at_home, payee, payer)
         OR payee_posting = 'owed' AND amount_in > (SELECT -a.balance FROM wallet_account a WHERE a.id = payee) THEN
        payee_posting := NULL; purse := NULL;                -- that is more than can be given back: nobody pays
      END IF;
    END IF;

    -- Who fits and has enough pays. Only where nobody did is it asked why.
    IF purse >= amount_out THEN
      UPDATE wallet_account a SET balance = a.balance - amount_out FROM wallet_account p
        WHERE a.id = rather AND a.home = at_home AND a.closed_at IS NULL AND a.balance >= amount_out
          AND (a.unit <> payee_unit OR is_even)
          AND p.id = payer AND p.home = at_home AND p.closed_at IS NULL AND p.unit = a.unit
        RETURNING a.id, a.balance, a.unit INTO paid_by, balance_after, payer_unit;
      arrived := rather_in;
    END IF;
    IF paid_by IS NULL AND payee_posting IS NOT NULL THEN
      UPDATE wallet_account a SET balance = a.balance - amount_out
        WHERE a.id = payer AND a.home = at_home AND a.closed_at IS NULL AND (a.unit <> payee_unit OR is_even)
          AND (a.balance >= amount_out OR a.posting = 'owed')
        RETURNING a.id, CASE WHEN a.posting <> 'owed' THEN a.balance END, a.unit INTO paid_by, balance_after, payer_unit;
      arrived := amount_in;
      IF rather IS NOT NULL AND balance_after + amount_out <> payer_had THEN  -- what moved these coins may have filled the purse
        UPDATE wallet_account a SET balance = a.balance + amount_out WHERE a.id = paid_by;
        paid_by := NULL; CONTINUE attempt;
      END IF;
    END IF;
    IF paid_by IS NULL THEN
      SELECT pays.unit, pays.id,
             CASE WHEN pays.closed_at IS NOT NULL OR gets.closed_at IS NOT NULL THEN 'closed'
                  WHEN payee_posting IS NULL OR pays.unit = gets.unit AND NOT is_even
                    OR at_home <= 0 OR at_home <> CASE WHEN NOT pays.is_house THEN pays.home WHEN NOT gets.is_house THEN gets.home ELSE at_home END
                    THEN 'unfit'
                  WHEN NOT pays.is_house THEN 'insufficient' END
        INTO payer_unit, paid_by, outcome FROM wallet_account pays, wallet_account gets WHERE pays.id = payer AND gets.id = payee;
      IF NOT FOUND THEN outcome := 'unknown'; END IF;
      EXIT attempt WHEN outcome IS NOT NULL;                 -- otherwise it is the house that pays
    END IF;

    -- The row is written while the balances are locked, so within one account ids tell the order of things.
    INSERT INTO wallet_transfer (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                                 credit_account_id, credit_unit, credit_amount, debit_balance_after, reverses)
    VALUES (at_home, with_key, of_kind, for_cause, paid_by, payer_unit, amount_out, payee, payee_unit, arrived, balance_after, undoes)
    ON CONFLICT (home, key) DO NOTHING RETURNING id INTO transfer_id;
    IF NOT FOUND THEN                                        -- this key has moved something before: give back what was taken
      UPDATE wallet_account a SET balance = a.balance + amount_out WHERE a.id = paid_by AND a.posting <> 'derived';
      EXIT attempt;
    END IF;

    IF payee_posting IN ('at once', 'owed') THEN
      UPDATE wallet_account a SET balance = a.balance + arrived WHERE a.id = payee;
    ELSIF payee_posting = 'deferred' AND arrived > 0 THEN
      INSERT INTO wallet_pendingcredit (account_id, home, amount) VALUES (payee, payee_home, arrived);
    END IF;
    outcome := 'posted'; RETURN;
  END LOOP attempt;

  -- Nothing has moved. A repeat is answered as the first time, whatever the balance is now.
  SELECT t.id, t.debit_account_id, t.debit_balance_after, t.credit_amount,
         CASE WHEN (t.kind, t.debit_amount, t.credit_account_id) = (of_kind, amount_out, payee) AND t.reverses IS NOT DISTINCT FROM undoes
               AND ((t.debit_account_id, t.credit_amount) = (payer, amount_in) OR (t.debit_account_id, t.credit_amount) = (rather, rather_in))
              THEN 'replayed' ELSE 'conflict' END
    INTO transfer_id, paid_by, balance_after, arrived, repeated FROM wallet_transfer t WHERE t.home = at_home AND t.key = with_key;
  outcome := coalesce(repeated, outcome);
END $$;

CREATE OR REPLACE FUNCTION ledger_take_up_to(
  at_home bigint, with_key uuid, rest_key uuid, of_kind smallint, rest_kind smallint, for_cause text,
  payer bigint, rest_payer bigint, payee bigint, amount bigint,
  OUT outcome text, OUT taken bigint, OUT rest bigint, OUT transfer_id bigint, OUT rest_id bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  rows   bigint;
  fitted bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(uuid_hash_extended(with_key, at_home));
  SELECT count(*), count(*) FILTER (WHERE t.credit_account_id = payee
                                      AND (t.key, t.kind, t.debit_account_id) IN ((with_key, of_kind, payer), (rest_key, rest_kind, rest_payer))),
         coalesce(sum(t.debit_amount) FILTER (WHERE t.key = with_key), 0), coalesce(sum(t.debit_amount) FILTER (WHERE t.key = rest_key), 0),
         max(t.id) FILTER (WHERE t.key = with_key), max(t.id) FILTER (WHERE t.key = rest_key)
    INTO rows, fitted, taken, rest, transfer_id, rest_id
    FROM wallet_transfer t WHERE t.home = at_home AND t.key IN (with_key, rest_key);
  IF rows > 0 THEN
    outcome := CASE WHEN rows = fitted AND (taken + rest = amount OR rest_payer IS NULL AND taken <= amount) THEN 'replayed' ELSE 'conflict' END;
    RETURN;
  END IF;

  PERFORM FROM wallet_account a WHERE a.id IN (payer, rest_payer, payee) AND a.posting <> 'derived' ORDER BY a.id FOR NO KEY UPDATE;
  PERFORM ledger_roll_up(a.id) FROM wallet_account a WHERE a.id = payer AND a.posting = 'deferred';
  SELECT least(amount, pays.balance, CASE WHEN gets.posting = 'owed' THEN -gets.balance END),
         CASE WHEN EXISTS (SELECT FROM wallet_account a WHERE a.id IN (payer, rest_payer, payee) AND a.closed_at IS NOT NULL) THEN 'closed' END
    INTO taken, outcome FROM wallet_account pays, wallet_account gets WHERE pays.id = payer AND gets.id = payee;
  IF NOT FOUND THEN outcome := 'unknown'; END IF;
  IF outcome IS NOT NULL THEN taken := 0; rest := 0; RETURN; END IF;
  rest := CASE WHEN rest_payer IS NULL THEN 0 ELSE amount - taken END;
  outcome := 'nothing';

  IF taken > 0 THEN
    SELECT made.outcome, made.transfer_id INTO outcome, transfer_id
      FROM ledger_transfer(at_home, with_key, of_kind, for_cause, payer, taken, payee, taken) made;
    IF outcome <> 'posted' THEN taken := 0; rest := 0; RETURN; END IF;
  END IF;
  IF rest > 0 THEN
    SELECT made.outcome, made.transfer_id INTO outcome, rest_id
      FROM ledger_transfer(at_home, rest_key, rest_kind, for_cause, rest_payer, rest, payee, rest) made;
    IF outcome <> 'posted' AND taken > 0 THEN
      RAISE 'the rest could not be taken (%): nothing is', outcome USING ERRCODE = 'raise_exception';
    END IF;
    IF outcome <> 'posted' THEN rest := 0; END IF;
  END IF;
END $$;

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
    ), arrived AS (                                          -- what came in earlier in the batch is no cover, but it is there
      SELECT c.ordinality, sum(e.amount_in)::bigint AS amount
        FROM covered c JOIN covered e ON e.payee = c.payer AND e.gets = 'at once' AND e.ordinality < c.ordinality GROUP BY 1
    ), posted AS (
      INSERT INTO wallet_transfer AS t (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                                        credit_account_id, credit_unit, credit_amount, debit_balance_after)
      SELECT c.at_home, c.with_key, c.of_kind, c.for_cause, c.payer, c.unit_out, c.amount_out, c.payee, c.unit_in, c.amount_in,
             c.balance_after + coalesce(a.amount, 0)
        FROM covered c LEFT JOIN arrived a ON a.ordinality = c.ordinality ORDER BY c.ordinality RETURNING t.*
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

-- Roles that use these tables may read them and call the functions. No role but the owner may write a row by itself.
DO $$
DECLARE
  role text;
BEGIN
  REVOKE EXECUTE ON FUNCTION ledger_account, ledger_roll_up, ledger_transfer, ledger_undoable, ledger_take_up_to,
    ledger_transfer_many, ledger_refuse_change, ledger_refuse_account FROM PUBLIC;
  FOR role IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
               WHERE table_name = 'wallet_transfer' AND grantee <> current_user LOOP
    EXECUTE format('REVOKE ALL ON wallet_account, wallet_transfer, wallet_pendingcredit, wallet_entry FROM %I', role);
    EXECUTE format('GRANT SELECT ON wallet_account, wallet_transfer, wallet_pendingcredit, wallet_entry TO %I', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger_account, ledger_roll_up, ledger_transfer, ledger_take_up_to, ledger_transfer_many TO %I', role);
  END LOOP;
END $$;
