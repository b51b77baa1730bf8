-- for: core
-- A time-ordered uuid (version 7, RFC 9562): neighbours in time are neighbours in the indexes.
create function pgflow.new_run_id()
returns uuid
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
  select pgflow._new_run_id();
$$;
