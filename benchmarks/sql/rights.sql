-- The limits are measured as the role that the site runs as, with all its settings, like ours.
GRANT USAGE ON SCHEMA base TO coinshop_site;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA base TO coinshop_site;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA base TO coinshop_site;
