-- The honest floor on the ledger's own tables: the same three statements as base.floor, no question asked. What a gift loses
-- against it is our code; what it loses against base.floor is our row, with one more index and what its constraints check.
CREATE FUNCTION bare_gift(fan bigint, with_key uuid, payer bigint, amount_out bigint, payee bigint, amount_in bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE made bigint; after bigint;
BEGIN
  UPDATE wallet_account SET balance = balance - amount_out WHERE id = payer AND balance >= amount_out RETURNING balance INTO after;
  IF NOT FOUND THEN RAISE EXCEPTION 'insufficient funds'; END IF;
  INSERT INTO wallet_pendingcredit (account_id, home, amount) VALUES (payee, payee - 3000000, amount_in);
  INSERT INTO wallet_transfer (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                               credit_account_id, credit_unit, credit_amount, debit_balance_after)
  VALUES (fan, with_key, 3, 'gift:1', payer, 1, amount_out, payee, 2, amount_in, after) RETURNING id INTO made;
  RETURN made;
END $$;

-- And what each of the ledger's questions adds to it. First: was this key used before? The row claims it.
CREATE FUNCTION claiming_gift(fan bigint, with_key uuid, payer bigint, amount_out bigint, payee bigint, amount_in bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE made bigint; after bigint;
BEGIN
  UPDATE wallet_account SET balance = balance - amount_out WHERE id = payer AND balance >= amount_out RETURNING balance INTO after;
  IF NOT FOUND THEN RAISE EXCEPTION 'insufficient funds'; END IF;
  INSERT INTO wallet_pendingcredit (account_id, home, amount) VALUES (payee, payee - 3000000, amount_in);
  INSERT INTO wallet_transfer (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                               credit_account_id, credit_unit, credit_amount, debit_balance_after)
  VALUES (fan, with_key, 3, 'gift:1', payer, 1, amount_out, payee, 2, amount_in, after)
  ON CONFLICT (home, key) DO NOTHING RETURNING id INTO made;
  RETURN made;
END $$;

-- Second: who is the payee, what is in the purse of given coins, and what had the payer?
CREATE FUNCTION looking_gift(fan bigint, with_key uuid, payer bigint, amount_out bigint, payee bigint, amount_in bigint, rather bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE made bigint; after bigint; payee_posting text; payee_home bigint; payee_unit smallint; purse bigint; payer_had bigint;
BEGIN
  SELECT a.posting, a.home, a.unit, (SELECT r.balance FROM wallet_account r WHERE r.id = rather),
         (SELECT p.balance FROM wallet_account p WHERE p.id = payer)
    INTO payee_posting, payee_home, payee_unit, purse, payer_had
    FROM wallet_account a WHERE a.id = payee AND a.closed_at IS NULL;
  UPDATE wallet_account SET balance = balance - amount_out WHERE id = payer AND balance >= amount_out RETURNING balance INTO after;
  IF NOT FOUND THEN RAISE EXCEPTION 'insufficient funds'; END IF;
  INSERT INTO wallet_pendingcredit (account_id, home, amount) VALUES (payee, payee_home, amount_in);
  INSERT INTO wallet_transfer (home, key, kind, cause, debit_account_id, debit_unit, debit_amount,
                               credit_account_id, credit_unit, credit_amount, debit_balance_after)
  VALUES (fan, with_key, 3, 'gift:1', payer, 1, amount_out, payee, payee_unit, amount_in, after)
  ON CONFLICT (home, key) DO NOTHING RETURNING id INTO made;
  RETURN made;
END $$;
