-- Roles and rights. A superuser runs this inside the shop's own database; running it again changes nothing.
-- One text for `make run`, the tests and docker-compose.yml. The tables come later, from migrations run by the owner.

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['coinshop_owner', 'coinshop_site']) AS name
WHERE name NOT IN (SELECT rolname FROM pg_roles)
\gexec

-- The owner may change tables. The site may only use them: whatever happens to it, the rules stay.
ALTER ROLE coinshop_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE coinshop_site LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

-- Settings of the role and not of the session, so that they also hold behind a pooler in transaction mode.
ALTER ROLE coinshop_owner SET timezone = 'UTC';
ALTER ROLE coinshop_site SET timezone = 'UTC';
ALTER ROLE coinshop_site SET lock_timeout = '3s';
ALTER ROLE coinshop_site SET statement_timeout = '10s';
ALTER ROLE coinshop_site SET idle_in_transaction_session_timeout = '10s';

SELECT format('ALTER DATABASE %I OWNER TO coinshop_owner', current_database()) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO coinshop_site', current_database()) \gexec

ALTER SCHEMA public OWNER TO coinshop_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO coinshop_site;

ALTER DEFAULT PRIVILEGES FOR ROLE coinshop_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO coinshop_site;
ALTER DEFAULT PRIVILEGES FOR ROLE coinshop_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO coinshop_site;
