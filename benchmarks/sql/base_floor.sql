\set debit random(1, 100000)
\set credit random(100001, 200000)
SELECT base.floor(gen_random_uuid(), :debit, :credit, 2, 1);
