-- for: cron, pgflow
-- For callers outside of workers (a cron job): requeues by timeout only and leaves a task that has stalled for
-- good 'started'. Workers call recover_stalled_tasks. Reads all open runs; their tasks have no index by state.
create function pgflow.requeue_stalled_tasks()
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found record;
  v_stalled record;
begin
  select
    array_agg(t.run_id) as run_ids, array_agg(t.step_slug) as step_slugs,
    array_agg(t.task_index) as task_indexes
  into v_found
  from pgflow.runs r
  join pgflow.step_tasks t on t.run_id = r.run_id
  join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug
  join pgflow.flows f on f.flow_slug = t.flow_slug
  where r.status = 'started'
    and t.status = 'started'
    and t.permanently_stalled_at is null
    and t.started_at < now() - make_interval(secs => coalesce(st.opt_timeout, f.opt_timeout) + 30);
  if v_found.run_ids is null then
    return 0;
  end if;

  select * into v_stalled
  from pgflow._lock_stalled(null, v_found.run_ids, v_found.step_slugs, v_found.task_indexes);
  return pgflow._requeue(
    null, false, v_stalled.stalled_run_ids, v_stalled.stalled_step_slugs, v_stalled.stalled_task_indexes
  );
end;
$$;
