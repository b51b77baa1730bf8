-- for: worker, client
-- The oldest version of a worker and of a client that this core still serves. A program's version is the number of
-- the last core migration it knows; an older one refuses to start.
create function pgflow.oldest_program()
returns table (worker int, client int)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$ select 1, 1 $$;
