-- for: pgflow
-- Starts the steps of a run that have a handler and wait for nothing any more. The core does this by itself; it is here for the contract.
create function pgflow.start_ready_steps(run_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_started record;
begin
  perform 1 from pgflow.runs r where r.run_id = start_ready_steps.run_id for no key update;

  select p.* into v_started
  from (
    select array_agg(s.run_id) as run_ids, array_agg(s.step_slug) as step_slugs
    from pgflow.step_states s
    join pgflow.runs r on r.run_id = s.run_id
    join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
    where r.begins_at is null and st.kind not in ('signal', 'sleep', 'pick')
      and s.run_id = start_ready_steps.run_id and s.status = 'created' and s.remaining_deps = 0
  ) ready
  cross join lateral pgflow._start_steps(ready.run_ids, ready.step_slugs) p;

  if v_started.started_run_ids is not null then
    perform pgflow._send_events('step:started', v_started.started_run_ids, v_started.started_step_slugs);
    perform pgflow._spawn_tasks(
      v_started.started_flow_slugs, v_started.started_run_ids, v_started.started_step_slugs, null,
      v_started.started_task_counts, 0
    );
    perform pgflow._keep_held(v_started.started_run_ids);
    perform pgflow._notify(null, v_started.started_run_ids);
  end if;
end;
$$;
