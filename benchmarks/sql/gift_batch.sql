SELECT count(*) FROM ledger_transfer_many(ARRAY(
  SELECT (fan, gen_random_uuid(), 3, 'gift:1', 1000000 + fan, 2, 3000000 + creator, 1)::ledger_move
    FROM (SELECT random(1, 100000) AS fan, random(100001, 200000) AS creator FROM generate_series(1, :size)) gifts), false);
