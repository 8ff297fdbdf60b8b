-- What the provider pays out to the shop's bank leaves its balance for an account of its own.
DROP TRIGGER kinds_have_their_side_unit_and_posting ON wallet_account;
CREATE CONSTRAINT TRIGGER kinds_have_their_side_unit_and_posting
  AFTER INSERT OR UPDATE OF is_house, kind, unit, posting ON wallet_account
  FOR EACH ROW WHEN (NOT CASE
    WHEN NEW.is_house THEN NEW.posting = 'derived' AND (
      NEW.unit = 1 AND NEW.kind IN ('issued', 'promo_issued', 'spent', 'forfeited', 'adjustments')
      OR NEW.unit = 2 AND NEW.kind IN ('minted', 'paid_out', 'diamonds_adjustments')
      OR NEW.unit > 2 AND NEW.kind IN ('clearing', 'stripe_balance', 'deferred_revenue', 'revenue', 'tax', 'fees',
                                       'dispute_loss', 'bank', 'creator_cost', 'creator_payable'))
    ELSE (NEW.kind, NEW.unit, NEW.posting) IN (
      ('coins', 1, 'at once'), ('promo', 1, 'at once'), ('coins_held', 1, 'at once'), ('receivable', 1, 'owed'),
      ('diamonds', 2, 'deferred'), ('diamonds_held', 2, 'at once'), ('diamonds_receivable', 2, 'owed')) END)
  EXECUTE FUNCTION ledger_refuse_account();
