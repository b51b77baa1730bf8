-- for: core
-- A time-ordered uuid (version 7, RFC 9562): neighbours in time are neighbours in the indexes.
create function pgflow.new_run_id()
returns uuid
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6),
      52, 1), 53, 1),  -- version nibble 4 -> 7
    'hex')::uuid;
$$;
