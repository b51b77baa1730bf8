-- A claim or a result is a sign of life, written where the last one is five seconds old, and never waited for: a
-- locked row is left alone. Callers have seen that it may be due. False if recovery has judged one of them dead: such
-- a worker gets no tasks until it has registered again.
create function pgflow._note_life(worker_ids uuid[])
returns boolean
language plpgsql
as $$
begin
  update pgflow.workers w
  set last_heartbeat_at = clock_timestamp()
  where w.worker_id = any(array(
    select l.worker_id
    from pgflow.workers l
    where l.worker_id = any(_note_life.worker_ids)
      and l.died_at is null
      and l.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
    order by l.worker_id
    for no key update skip locked
  ));
  return not exists (
    select 1 from pgflow.workers w where w.worker_id = any(_note_life.worker_ids) and w.died_at is not null
  );
end;
$$;
