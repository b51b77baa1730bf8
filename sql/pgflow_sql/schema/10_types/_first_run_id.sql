-- The smallest id that pgflow makes at a time or later (see new_run_id): a time as a bound of the runs' key.
create function pgflow._first_run_id(at timestamptz)
returns uuid
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select encode(
    overlay(decode('00000000000070008000000000000000', 'hex')
      placing substring(
        int8send(greatest(floor(least(extract(epoch from _first_run_id.at), 2e11) * 1000), 0)::bigint) from 3)
      from 1 for 6),
    'hex')::uuid;
$$;
