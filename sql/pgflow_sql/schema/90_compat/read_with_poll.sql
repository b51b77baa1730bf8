-- for: pgflow
-- The first phase of polling under the core's own name.
create function pgflow.read_with_poll(
  queue_name text,
  vt int,
  qty int,
  max_poll_seconds int default 5,
  poll_interval_ms int default 100,
  conditional jsonb default '{}'
)
returns setof pgmq.message_record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select 1 from pgmq.meta m where m.queue_name = read_with_poll.queue_name) then
    raise exception 'There is no queue "%"', left(read_with_poll.queue_name, 100)
      using errcode = 'PF001', hint = 'A queue is named by its flow''s slug.';
  end if;
  return query
  select *
  from pgmq.read_with_poll(
    read_with_poll.queue_name,
    read_with_poll.vt,
    greatest(read_with_poll.qty, 0),
    read_with_poll.max_poll_seconds,
    read_with_poll.poll_interval_ms,
    read_with_poll.conditional
  );
end;
$$;
