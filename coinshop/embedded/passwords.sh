# Read by the postgres image after provision.sql, once. The embedded database needs no passwords: its socket is private.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
    --set=owner="$DATABASE_OWNER_PASSWORD" --set=site="$DATABASE_SITE_PASSWORD" <<'SQL'
ALTER ROLE coinshop_owner PASSWORD :'owner';
ALTER ROLE coinshop_site PASSWORD :'site';
SQL
