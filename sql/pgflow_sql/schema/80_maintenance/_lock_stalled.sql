-- Of these started tasks (keys) locks and returns those that are stalled: for good already, or started longer
-- ago than they may take plus 30 s, or owned by a dead worker. Runs that somebody works on right now are skipped:
-- they are alive, and waiting here could deadlock. Of runs and steps that have ended no task is touched.
create function pgflow._lock_stalled(
  dead_ids uuid[],
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
  v_locked record;
begin
  select array_agg(k.run_id) as run_ids, array_agg(k.step_slug) as step_slugs,
    array_agg(k.task_index) as task_indexes
  into v_locked
  from (
    select *
    from unnest(_lock_stalled.run_ids, _lock_stalled.step_slugs, _lock_stalled.task_indexes)
      g(run_id, step_slug, task_index)
    order by g.run_id, g.step_slug, g.task_index
  ) k
  cross join lateral (
    select l.run_id
    from pgflow.runs l
    where l.run_id = k.run_id and l.status = 'started'
    limit 1
    for no key update skip locked
  ) r;

  -- judged again: what was read without locks may have changed meanwhile
  select array_agg(t.run_id), array_agg(t.step_slug), array_agg(t.task_index)
  into stalled_run_ids, stalled_step_slugs, stalled_task_indexes
  from unnest(v_locked.run_ids, v_locked.step_slugs, v_locked.task_indexes) k(run_id, step_slug, task_index)
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
    limit 1
    for no key update skip locked
  ) t
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = k.run_id and l.step_slug = k.step_slug limit 1
  ) s
  cross join lateral (select l from pgflow.prepared_flows l where l.flow_slug = t.flow_slug limit 1) p(flow)
  where s.status in ('created', 'started')
    and t.status = 'started'
    and (
      t.permanently_stalled_at is not null
      or t.started_at
        < now() - make_interval(secs => pgflow._seconds_allowed(p.flow, t.step_slug, t.started_at) + 30)
      or t.last_worker_id = any(_lock_stalled.dead_ids)
    );
end;
$$;
