-- Hold the coins, bonus coins and debts of people still until the transaction ends, in the order in which every other movement
-- locks them, so that what is read of them meanwhile is what is taken.
CREATE FUNCTION ledger_hold_still(people bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT FROM wallet_account a WHERE a.home = ANY (people) AND a.unit = 1 AND NOT a.is_house ORDER BY a.id FOR NO KEY UPDATE
$$;

DO $$
DECLARE
  role text;
BEGIN
  REVOKE EXECUTE ON FUNCTION ledger_hold_still FROM PUBLIC;
  FOR role IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
               WHERE table_name = 'wallet_transfer' AND grantee <> current_user LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger_hold_still TO %I', role);
  END LOOP;
END $$;
