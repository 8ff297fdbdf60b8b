\set debit random(1, 100000)
\set credit random(100001, 200000)
SELECT base.transfer(:debit, :credit, 1);
