-- Of these started tasks (keys) locks and returns those that are stalled: for good already, or started longer
-- ago than they may take plus 30 s or, with dead_workers, owned by a worker that has stopped or has not been heard
-- of for 30 s. Runs that somebody works on right now are skipped: they are alive, and waiting here could deadlock.
-- Of runs and steps that have ended no task is touched.
create function pgflow._lock_stalled(
  dead_workers boolean,
  in run_ids uuid[],
  in step_slugs text[],
  in task_indexes int[],
  out stalled_run_ids uuid[],
  out stalled_step_slugs text[],
  out stalled_task_indexes int[]
)
language plpgsql
as $$
declare
  v_locked uuid[];
begin
  select array_agg(l.run_id) into v_locked
  from (
    select r.run_id
    from pgflow.runs r
    where r.run_id = any(_lock_stalled.run_ids) and r.status = 'started'
    order by r.run_id
    for no key update skip locked
  ) l;

  select array_agg(t.run_id), array_agg(t.step_slug), array_agg(t.task_index)
  into stalled_run_ids, stalled_step_slugs, stalled_task_indexes
  from unnest(_lock_stalled.run_ids, _lock_stalled.step_slugs, _lock_stalled.task_indexes)
    k(run_id, step_slug, task_index)
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
    limit 1
  ) t
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = k.run_id and l.step_slug = k.step_slug limit 1
  ) s
  cross join lateral (select l from pgflow.prepared_flows l where l.flow_slug = t.flow_slug limit 1) p(flow)
  left join lateral (select * from pgflow.workers l where l.worker_id = t.last_worker_id limit 1) w on true
  where k.run_id = any(v_locked)
    and s.status in ('created', 'started')
    and t.status = 'started'
    and (
      t.permanently_stalled_at is not null
      or t.started_at
        < now() - make_interval(secs => pgflow._seconds_allowed(p.flow, t.step_slug, t.started_at) + 30)
      or (
        _lock_stalled.dead_workers
        and (w.stopped_at is not null or w.last_heartbeat_at < now() - interval '30 seconds')
      )
    );

  select array_agg(t.run_id), array_agg(t.step_slug), array_agg(t.task_index)
  into stalled_run_ids, stalled_step_slugs, stalled_task_indexes
  from (
    select *
    from unnest(stalled_run_ids, stalled_step_slugs, stalled_task_indexes) g(run_id, step_slug, task_index)
    order by g.run_id, g.step_slug, g.task_index
  ) k
  cross join lateral (
    select l.run_id, l.step_slug, l.task_index
    from pgflow.step_tasks l
    where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
    limit 1
    for no key update skip locked
  ) t;
end;
$$;
