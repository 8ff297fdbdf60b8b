"""What is or was live never changes: orders keep the price they were sold at. The database refuses, whoever asks."""

from django.db import migrations

FREEZE = """
CREATE FUNCTION payments_refuse_to_change_prices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  list bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.price_list_id ELSE NEW.price_list_id END;
BEGIN
  IF EXISTS (SELECT FROM payments_pricelist WHERE id = list AND state <> 'draft')
     OR TG_OP = 'UPDATE' AND NEW.price_list_id <> OLD.price_list_id THEN
    RAISE 'this price list is not a draft: its prices never change' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER live_prices_are_frozen BEFORE INSERT OR UPDATE OR DELETE ON payments_packageprice
  FOR EACH ROW EXECUTE FUNCTION payments_refuse_to_change_prices();

-- Of a list that is not a draft only the state goes on, from live to retired.
CREATE FUNCTION payments_refuse_to_change_lists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.state <> 'draft' THEN
      RAISE 'a price list that was live is kept' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.state <> 'draft' AND (
       to_jsonb(NEW) - 'state' - 'retired_at' <> to_jsonb(OLD) - 'state' - 'retired_at'
       OR NOT (NEW.state = OLD.state OR OLD.state = 'live' AND NEW.state = 'retired')) THEN
    RAISE 'this price list is not a draft: make a new draft from it' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER live_lists_are_frozen BEFORE UPDATE OR DELETE ON payments_pricelist
  FOR EACH ROW EXECUTE FUNCTION payments_refuse_to_change_lists();
"""
THAW = """
DROP TRIGGER live_prices_are_frozen ON payments_packageprice;
DROP TRIGGER live_lists_are_frozen ON payments_pricelist;
DROP FUNCTION payments_refuse_to_change_prices, payments_refuse_to_change_lists;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_begin")]
    operations = [migrations.RunSQL(FREEZE, THAW)]
