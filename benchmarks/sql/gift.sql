\set fan random(1, :fans)
\set creator random(100001, 100000 + :creators)
\set coins 1000000 + :fan
\set promo 2000000 + :fan
\set diamonds 3000000 + :creator
SELECT * FROM ledger_transfer(:fan, gen_random_uuid(), 3::smallint, 'gift:1', :coins, 2, :diamonds, 1, :promo, 0, NULL);
