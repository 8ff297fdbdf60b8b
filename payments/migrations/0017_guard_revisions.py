"""What goes live was checked and approved by somebody else, and is just that: the database refuses all else."""

from django.db import migrations

GUARD = """
-- Everything that a list says, in one word. Another price is another word.
CREATE FUNCTION payments_digest_of_list(list bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT md5(concat_ws('|', p.custom_coins, p.custom_price_minor, p.custom_max_coins,
    (SELECT string_agg(format('%s+%s=%s', coins, bonus, price_minor), ',' ORDER BY coins)
       FROM payments_packageprice WHERE price_list_id = p.id)))
  FROM payments_pricelist p WHERE p.id = list
$$;

-- A draft's prices are written while its revision is a draft, too. The lock makes who sends it for review wait.
CREATE OR REPLACE FUNCTION payments_refuse_to_change_prices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  list bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.price_list_id ELSE NEW.price_list_id END;
BEGIN
  PERFORM FROM payments_revision r JOIN payments_pricelist p ON p.revision_id = r.id WHERE p.id = list FOR SHARE OF r;
  IF EXISTS (SELECT FROM payments_pricelist WHERE id = list AND state <> 'draft')
     OR EXISTS (SELECT FROM payments_revision r JOIN payments_pricelist p ON p.revision_id = r.id
                WHERE p.id = list AND r.state <> 'draft')
     OR TG_OP = 'UPDATE' AND NEW.price_list_id <> OLD.price_list_id THEN
    RAISE 'this price list is not a draft: its prices never change' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE OR REPLACE FUNCTION payments_refuse_to_change_lists() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  revision payments_revision;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'draft' THEN
      RAISE 'a price list begins as a draft' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  SELECT * INTO revision FROM payments_revision WHERE id = OLD.revision_id FOR SHARE;
  IF TG_OP = 'DELETE' THEN
    IF OLD.state <> 'draft' OR revision.state <> 'draft' THEN
      RAISE 'a price list that was live is kept' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.state <> 'draft' AND (
       to_jsonb(NEW) - 'state' - 'retired_at' <> to_jsonb(OLD) - 'state' - 'retired_at'
       OR NOT (NEW.state = OLD.state OR OLD.state = 'live' AND NEW.state = 'retired')) THEN
    RAISE 'this price list is not a draft: make a new draft from it' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = 'draft' AND revision.state <> 'draft'
     AND to_jsonb(NEW) - 'state' - 'live_at' - 'checked' <> to_jsonb(OLD) - 'state' - 'live_at' - 'checked'
     OR NEW.revision_id IS DISTINCT FROM OLD.revision_id THEN
    RAISE 'this price list is not a draft: its prices never change' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = 'draft' AND NEW.state = 'retired' THEN
    RAISE 'only what was live is retired' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = 'draft' AND NEW.state = 'live' THEN
    IF NEW.checked <> payments_digest_of_list(NEW.id) THEN
      RAISE 'these prices were not checked' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.revision_id IS NULL THEN
      IF EXISTS (SELECT FROM payments_pricelist WHERE region_id = NEW.region_id AND channel = NEW.channel
                 AND id <> NEW.id AND state <> 'draft') THEN
        RAISE 'only the first prices of a region go live without a revision' USING ERRCODE = 'restrict_violation';
      END IF;
    -- Clocks differ by some seconds.
    ELSIF revision.state <> 'scheduled' OR revision.live_from > clock_timestamp() + interval '10 seconds' THEN
      RAISE 'these prices are not scheduled for now' USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER live_lists_are_frozen ON payments_pricelist;
CREATE TRIGGER live_lists_are_frozen BEFORE INSERT OR UPDATE OR DELETE ON payments_pricelist
  FOR EACH ROW EXECUTE FUNCTION payments_refuse_to_change_lists();

CREATE FUNCTION payments_guard_revisions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE 'a revision is put aside, not deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'draft' THEN
      RAISE 'a revision begins as a draft' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state IN ('live', 'dropped') OR NEW.created_by_id IS DISTINCT FROM OLD.created_by_id
     OR NEW.undoes_id IS DISTINCT FROM OLD.undoes_id OR NEW.channel <> OLD.channel THEN
    RAISE 'this revision is over, or this of it never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.state = OLD.state THEN
    RETURN NEW;
  END IF;
  IF NOT ((OLD.state, NEW.state) IN (('draft', 'review'), ('draft', 'dropped'), ('review', 'draft'),
            ('review', 'scheduled'), ('scheduled', 'draft'), ('scheduled', 'live'))
          OR NEW.undoes_id IS NOT NULL AND (OLD.state, NEW.state) = ('draft', 'scheduled')) THEN
    RAISE 'a revision that is % cannot be %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.state IN ('review', 'scheduled') AND EXISTS (
       SELECT FROM payments_pricelist WHERE revision_id = NEW.id AND checked <> payments_digest_of_list(id)) THEN
    RAISE 'these prices were not checked' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.state = 'scheduled' AND NEW.undoes_id IS NULL AND EXISTS (
       SELECT FROM payments_pricechange WHERE revision_id = NEW.id AND by_id = NEW.approved_by_id
         AND what IN ('begun', 'edited', 'derived', 'read', 'left out', 'waived', 'submitted')) THEN
    RAISE 'nobody approves their own prices' USING ERRCODE = 'check_violation';
  END IF;
  -- One person alone only goes back to what two people had let go live.
  IF NEW.state = 'scheduled' AND NEW.undoes_id IS NOT NULL AND EXISTS (
       SELECT FROM payments_pricelist mine WHERE mine.revision_id = NEW.id AND NOT EXISTS (
         SELECT FROM payments_pricelist was
         WHERE was.region_id = mine.region_id AND was.channel = mine.channel AND was.state = 'retired'
           AND payments_digest_of_list(was.id) = payments_digest_of_list(mine.id))) THEN
    RAISE 'these prices were never live' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER revisions_have_a_life BEFORE INSERT OR UPDATE OR DELETE ON payments_revision
  FOR EACH ROW EXECUTE FUNCTION payments_guard_revisions();

CREATE FUNCTION payments_keep_the_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE 'the log of prices is written once' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER price_changes_are_kept BEFORE UPDATE OR DELETE ON payments_pricechange
  FOR EACH ROW EXECUTE FUNCTION payments_keep_the_log();
"""
UNGUARD = """
DROP TRIGGER price_changes_are_kept ON payments_pricechange;
DROP TRIGGER revisions_have_a_life ON payments_revision;
DROP FUNCTION payments_keep_the_log, payments_guard_revisions;
DROP TRIGGER live_lists_are_frozen ON payments_pricelist;
CREATE TRIGGER live_lists_are_frozen BEFORE UPDATE OR DELETE ON payments_pricelist
  FOR EACH ROW EXECUTE FUNCTION payments_refuse_to_change_lists();
CREATE OR REPLACE FUNCTION payments_refuse_to_change_prices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  list bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.price_list_id ELSE NEW.price_list_id END;
BEGIN
  IF EXISTS (SELECT FROM payments_pricelist WHERE id = list AND state <> 'draft')
     OR TG_OP = 'UPDATE' AND NEW.price_list_id <> OLD.price_list_id THEN
    RAISE 'this price list is not a draft: its prices never change' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE FUNCTION payments_refuse_to_change_lists() RETURNS trigger LANGUAGE plpgsql AS $$
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
DROP FUNCTION payments_digest_of_list;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0016_let_prices_be_revised")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
