\set fan random(1, 100000)
\set creator random(100001, 200000)
\set coins 1000000 + :fan
\set diamonds 3000000 + :creator
SELECT looking_gift(:fan, gen_random_uuid(), :coins, 2, :diamonds, 1, 2000000 + :fan);
