-- for: worker, client
-- The number of the last core migration this schema equals.
create function pgflow.schema_version()
returns int
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$ select 1 $$;
