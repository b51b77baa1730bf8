-- new_run_id for the core itself: without a search_path of its own it is inlined into its callers, all of which have a
-- pinned one.
create function pgflow._new_run_id()
returns uuid
language sql
volatile
as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6),
      52, 1), 53, 1),  -- version nibble 4 -> 7
    'hex')::uuid;
$$;
