"""How near the ledger comes to what PostgreSQL can do at all. `make bench` runs them; README.md explains them."""
