"""Everything that starts a shop on one machine: real PostgreSQL and Valkey from wheels, and a supervisor."""
