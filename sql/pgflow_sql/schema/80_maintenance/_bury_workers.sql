-- Judges the workers of a flow by their signs of life: heartbeats, claims and results, which write their rows, and
-- the tasks they have started, should somebody hold the row. Those silent for 30 s are marked dead, so that they get
-- no more tasks until they have registered again; locked rows are left for later. Returns the flow's dead workers,
-- stopped ones too, that may still hold tasks.
create function pgflow._bury_workers(flow_slug text, out dead_ids uuid[])
language plpgsql
as $$
declare
  v_silent_ids uuid[];
  v_starting_ids uuid[];
begin
  select array_agg(w.worker_id) into v_silent_ids
  from pgflow.workers w
  where w.queue_name = _bury_workers.flow_slug
    and w.beats
    and w.recovered_at is null
    and (w.stopped_at is not null or w.last_heartbeat_at < clock_timestamp() - interval '30 seconds');
  if v_silent_ids is null then
    return;
  end if;

  select array_agg(distinct d.worker_id) into v_starting_ids
  from pgflow._delivered_tasks(_bury_workers.flow_slug, null) d
  where d.worker_id = any(v_silent_ids) and d.started_at > now() - interval '30 seconds';

  select array_agg(l.worker_id) into dead_ids
  from (
    select w.worker_id
    from pgflow.workers w
    where w.worker_id = any(v_silent_ids)
      and (
        w.stopped_at is not null
        or w.died_at is not null
        or (
          w.last_heartbeat_at < clock_timestamp() - interval '30 seconds'
          and (w.worker_id = any(v_starting_ids)) is not true
        )
      )
    order by w.worker_id
    for no key update skip locked
  ) l;

  update pgflow.workers w
  set died_at = now()
  where w.worker_id = any(dead_ids) and w.stopped_at is null and w.died_at is null;
end;
$$;
