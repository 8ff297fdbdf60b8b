-- Every account and movement of the ledger: debts, holds, what is undone, what is taken as far as it goes, and batches.

ALTER TABLE wallet_account
  DROP CONSTRAINT the_house_has_no_home,
  DROP CONSTRAINT people_are_never_overdrawn,
  DROP CONSTRAINT creators_are_credited_later,
  DROP CONSTRAINT the_house_is_derived,
  DROP CONSTRAINT kinds_have_their_side_and_unit,
  ADD CONSTRAINT people_are_never_overdrawn CHECK (balance >= 0 OR posting = 'owed'),
  ADD CONSTRAINT debts_are_never_overpaid CHECK (balance <= 0 OR posting <> 'owed'),
  ADD CONSTRAINT the_house_is_derived CHECK (balance = 0 OR NOT is_house);

-- What an account is never changes, so it is checked where it is written and not each time its balance moves: PostgreSQL
-- reads a CHECK anew for every statement, and this one took half the time of a gift.
CREATE FUNCTION ledger_refuse_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE 'account % (% of unit %, % for person %) breaks "%"', NEW.id, NEW.kind, NEW.unit, NEW.posting, NEW.home, TG_NAME
    USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END $$;
CREATE CONSTRAINT TRIGGER the_house_has_no_home AFTER INSERT OR UPDATE OF home, is_house ON wallet_account
  FOR EACH ROW WHEN (NEW.is_house <> (NEW.home = 0)) EXECUTE FUNCTION ledger_refuse_account();
CREATE CONSTRAINT TRIGGER kinds_have_their_side_unit_and_posting
  AFTER INSERT OR UPDATE OF is_house, kind, unit, posting ON wallet_account
  FOR EACH ROW WHEN (NOT CASE
    WHEN NEW.is_house THEN NEW.posting = 'derived' AND (
      NEW.unit = 1 AND NEW.kind IN ('issued', 'promo_issued', 'spent', 'forfeited', 'adjustments')
      OR NEW.unit = 2 AND NEW.kind IN ('minted', 'paid_out', 'diamonds_adjustments')
      OR NEW.unit > 2 AND NEW.kind IN ('clearing', 'stripe_balance', 'deferred_revenue', 'revenue', 'tax', 'fees',
                                       'dispute_loss', 'creator_cost', 'creator_payable'))
    ELSE (NEW.kind, NEW.unit, NEW.posting) IN (
      ('coins', 1, 'at once'), ('promo', 1, 'at once'), ('coins_held', 1, 'at once'), ('receivable', 1, 'owed'),
      ('diamonds', 2, 'deferred'), ('diamonds_held', 2, 'at once'), ('diamonds_receivable', 2, 'owed')) END)
  EXECUTE FUNCTION ledger_refuse_account();

CREATE INDEX wallet_transfer_reverses ON wallet_transfer (reverses) WHERE reverses IS NOT NULL;

CREATE OR REPLACE VIEW wallet_entry AS
  SELECT t.id AS transfer_id, t.debit_account_id AS account_id, t.debit_unit AS unit, -t.debit_amount AS amount,
         t.debit_balance_after AS balance_after, t.kind, t.cause, t.created_at, t.reverses
    FROM wallet_transfer t
  UNION ALL
  SELECT t.id, t.credit_account_id, t.credit_unit, t.credit_amount, NULL, t.kind, t.cause, t.created_at, t.reverses
    FROM wallet_transfer t;

-- The account of a kind and unit, opened when it is first asked for. The house is owner null.
CREATE OR REPLACE FUNCTION ledger_account(of_owner bigint, of_kind text, of_unit smallint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  found_id bigint;
BEGIN
  SELECT id INTO found_id FROM wallet_account WHERE home = coalesce(of_owner, 0) AND kind = of_kind AND unit = of_unit;
  IF NOT FOUND THEN
    INSERT INTO wallet_account (home, owner_id, kind, unit, is_house, posting)
    VALUES (coalesce(of_owner, 0), of_owner, of_kind, of_unit, of_owner IS NULL,
            CASE WHEN of_owner IS NULL THEN 'derived' WHEN of_kind = 'diamonds' THEN 'deferred'
                 WHEN of_kind IN ('receivable', 'diamonds_receivable') THEN 'owed' ELSE 'at once' END)
    ON CONFLICT (home, kind, unit) DO NOTHING;
    SELECT id INTO found_id FROM wallet_account WHERE home = coalesce(of_owner, 0) AND kind = of_kind AND unit = of_unit;
  END IF;
  RETURN found_id;
END $$;

DROP FUNCTION ledger_transfer;

-- Post one movement. The outcome says what happened, and only 'posted' has changed anything:
--   posted, replayed (the key had posted this already: the first result), conflict (it had posted something else),
--   insufficient, unknown (an account), closed (an account), unfit (units, amounts or homes do not agree, a debt would be
--   overpaid, or more would be undone than was done).
-- Where `rather` is given and covers the whole amount, it pays instead of `payer`, and rather_in is what arrives.
-- `undoes` names the transfer that this one takes back, in full or in part: the same two accounts, the other way round.
CREATE FUNCTION ledger_transfer(
  at_home bigint, with_key uuid, of_kind smallint, for_cause text,
  payer bigint, amount_out bigint, payee bigint, amount_in bigint,
  rather bigint DEFAULT NULL, rather_in bigint DEFAULT NULL, undoes bigint DEFAULT NULL,
  OUT outcome text, OUT transfer_id bigint, OUT paid_by bigint, OUT balance_after bigint, OUT arrived bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  earlier wallet_transfer;
  fact    record;
BEGIN
  PERFORM pg_advisory_xact_lock(uuid_hash_extended(with_key, at_home));  -- duplicates take turns: the second sees what the first did
  SELECT * INTO earlier FROM wallet_transfer WHERE home = at_home AND key = with_key;
  IF FOUND THEN
    transfer_id := earlier.id; paid_by := earlier.debit_account_id; balance_after := earlier.debit_balance_after;
    arrived := earlier.credit_amount;
    outcome := CASE WHEN (earlier.kind, earlier.debit_amount, earlier.credit_account_id) = (of_kind, amount_out, payee)
                     AND earlier.reverses IS NOT DISTINCT FROM undoes
                     AND ((earlier.debit_account_id, earlier.credit_amount) = (payer, amount_in)
                       OR (earlier.debit_account_id, earlier.credit_amount) = (rather, rather_in))
                    THEN 'replayed' ELSE 'conflict' END;
    RETURN;
  END IF;

  SELECT pays.posting AS pays, gets.posting AS gets, pays.unit AS unit_out, gets.unit AS unit_in, gets.home AS payee_home,
         pays.closed_at IS NULL AND gets.closed_at IS NULL AS is_open,
         at_home > 0 AND at_home = CASE WHEN NOT pays.is_house THEN pays.home WHEN NOT gets.is_house THEN gets.home ELSE at_home END
           AS is_at_home,
         pays.unit <> gets.unit OR amount_out = ALL (ARRAY[amount_in, coalesce(rather_in, amount_out)]) AS is_even
    INTO fact FROM wallet_account pays, wallet_account gets WHERE pays.id = payer AND gets.id = payee;
  outcome := CASE WHEN NOT FOUND THEN 'unknown' WHEN NOT fact.is_open THEN 'closed'
                  WHEN payee IN (payer, rather) OR NOT fact.is_even OR NOT fact.is_at_home THEN 'unfit' END;
  IF outcome IS NOT NULL THEN RETURN; END IF;

  -- A gift changes one balance and goes straight on. Where two may change, or a rule needs both to stand still,
  -- the lower id is locked first, so opposite pairs cannot deadlock.
  IF fact.pays = 'deferred' OR undoes IS NOT NULL OR fact.gets = 'owed' OR fact.pays <> 'derived' AND fact.gets = 'at once' THEN
    PERFORM FROM wallet_account WHERE id IN (payer, payee, rather) AND posting <> 'derived' ORDER BY id FOR NO KEY UPDATE;
    IF undoes IS NOT NULL AND amount_in > ledger_undoable(undoes, at_home, payee, payer)
       OR fact.gets = 'owed' AND amount_in > (SELECT -balance FROM wallet_account WHERE id = payee) THEN
      outcome := 'unfit'; RETURN;
    END IF;
    IF fact.pays = 'deferred' THEN
      PERFORM ledger_roll_up(payer);                        -- a creator pays with everything earned so far
    END IF;
  END IF;

  IF rather IS NOT NULL THEN
    UPDATE wallet_account SET balance = balance - amount_out
      WHERE id = rather AND home = at_home AND unit = fact.unit_out AND closed_at IS NULL AND balance >= amount_out
      RETURNING id, balance INTO paid_by, balance_after;
  END IF;
  IF paid_by IS NOT NULL THEN
    amount_in := rather_in;
  ELSIF fact.pays = 'derived' THEN
    paid_by := payer;
  ELSE
    UPDATE wallet_account SET balance = balance - amount_out
      WHERE id = payer AND closed_at IS NULL AND (balance >= amount_out OR posting = 'owed')
      RETURNING id, CASE WHEN posting <> 'owed' THEN balance END INTO paid_by, balance_after;
    IF NOT FOUND THEN outcome := 'insufficient'; RETURN; END IF;
  END IF;

  IF fact.gets IN ('at once', 'owed') THEN
    UPDATE wallet_account SET balance = balance + amount_in WHERE id = payee;
  ELSIF fact.gets = 'deferred' AND amount_in > 0 THEN
    INSERT INTO wallet_pendingcredit (account_id, home, amount) VALUES (payee, fact.payee_home, amount_in);
  END IF;

  -- The row comes last: its id is drawn while the balances are locked, so within one account ids tell the order of things.
  INSERT INTO wallet_transfer (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                               credit_account_id, credit_unit, credit_amount, debit_balance_after, reverses)
  VALUES (at_home, with_key, of_kind, for_cause, paid_by, fact.unit_out, amount_out, payee, fact.unit_in, amount_in,
          balance_after, undoes)
  RETURNING id INTO transfer_id;
  outcome := 'posted'; arrived := amount_in;
END $$;

-- How much of a transfer from `went_out` to `came_in` has not been taken back yet; 0 for one that went elsewhere.
CREATE FUNCTION ledger_undoable(transfer_id bigint, at_home bigint, went_out bigint, came_in bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce((SELECT t.debit_amount - coalesce((SELECT sum(back.credit_amount) FROM wallet_transfer back WHERE back.reverses = t.id), 0)
                     FROM wallet_transfer t
                    WHERE t.id = transfer_id AND t.home = at_home AND t.debit_account_id = went_out AND t.credit_account_id = came_in), 0)::bigint
$$;

-- Take as much of an amount as `payer` has (and as the payee is owed, where that is a debt); the rest, where it is to be
-- had from `rest_payer`, from there. One request, split under the lock; its repeat answers with the first split.
-- Outcomes as above, and 'nothing' where there was nothing to take and nobody else to take it from.
CREATE FUNCTION ledger_take_up_to(
  at_home bigint, with_key uuid, rest_key uuid, of_kind smallint, rest_kind smallint, for_cause text,
  payer bigint, rest_payer bigint, payee bigint, amount bigint,
  OUT outcome text, OUT taken bigint, OUT rest bigint, OUT transfer_id bigint, OUT rest_id bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  rows   bigint;
  fitted bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(uuid_hash_extended(with_key, at_home));
  SELECT count(*), count(*) FILTER (WHERE t.credit_account_id = payee AND t.debit_account_id IN (payer, rest_payer)),
         coalesce(sum(t.debit_amount) FILTER (WHERE t.key = with_key), 0), coalesce(sum(t.debit_amount) FILTER (WHERE t.key = rest_key), 0),
         max(t.id) FILTER (WHERE t.key = with_key), max(t.id) FILTER (WHERE t.key = rest_key)
    INTO rows, fitted, taken, rest, transfer_id, rest_id
    FROM wallet_transfer t WHERE t.home = at_home AND t.key IN (with_key, rest_key);
  IF rows > 0 THEN
    outcome := CASE WHEN rows = fitted AND (rest_payer IS NULL OR taken + rest = amount) THEN 'replayed' ELSE 'conflict' END;
    RETURN;
  END IF;

  PERFORM FROM wallet_account a WHERE a.id IN (payer, rest_payer, payee) AND a.posting <> 'derived' ORDER BY a.id FOR NO KEY UPDATE;
  PERFORM ledger_roll_up(a.id) FROM wallet_account a WHERE a.id = payer AND a.posting = 'deferred';
  SELECT least(amount, pays.balance, CASE WHEN gets.posting = 'owed' THEN -gets.balance END)
    INTO taken FROM wallet_account pays, wallet_account gets WHERE pays.id = payer AND gets.id = payee;
  IF NOT FOUND THEN outcome := 'unknown'; RETURN; END IF;
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

-- Post many movements in one call, set by set: as if one by one in order, except that what arrives in a batch can be spent
-- only after it, and that an account which could not pay one movement pays no later one of the batch. Each for itself, with
-- an answer of its own; or all or nothing: then the first refusal is answered and nothing is posted. Debts, undoing and
-- purses that would rather pay are not for batches ('unfit').
CREATE TYPE ledger_move AS (
  at_home bigint, with_key uuid, of_kind smallint, for_cause text, payer bigint, amount_out bigint, payee bigint, amount_in bigint);

CREATE FUNCTION ledger_transfer_many(moves ledger_move[], each_for_itself boolean)
RETURNS TABLE (n bigint, outcome text, transfer_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN                                                        -- planning costs more than posting
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
END $$;

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

-- The house's accounts of coins and diamonds; those of money are opened with their currency.
SELECT ledger_account(NULL, house.kind, house.unit::smallint) FROM (VALUES
  ('issued', 1), ('promo_issued', 1), ('spent', 1), ('forfeited', 1), ('adjustments', 1),
  ('minted', 2), ('paid_out', 2), ('diamonds_adjustments', 2)) AS house (kind, unit);
