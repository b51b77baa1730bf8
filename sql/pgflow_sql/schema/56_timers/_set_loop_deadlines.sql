-- Starts the deadlines of the started loops and subflows of these runs that have one (step_slugs is null), or of these steps (pairs):
-- from now on, or delays[i] seconds later where run i goes on no sooner. Callers hold the runs, or have just made them.
create function pgflow._set_loop_deadlines(run_ids uuid[], step_slugs text[], delays double precision[] default null)
returns void
language plpgsql
as $$
begin
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, task_index, payload)
  select clock_timestamp() + make_interval(secs => (st.options ->> 'deadline')::int + coalesce(i.delay, 0)), 'deadline',
    s.flow_slug, s.run_id, s.step_slug, 0, jsonb_build_object('seconds', st.options -> 'deadline')
  from (
    select distinct u.run_id, u.step_slug, u.delay
    from unnest(_set_loop_deadlines.run_ids, _set_loop_deadlines.step_slugs, _set_loop_deadlines.delays)
      u(run_id, step_slug, delay)
  ) i
  cross join lateral (
    select *
    from pgflow.step_states l
    where l.run_id = i.run_id and (i.step_slug is null or l.step_slug = i.step_slug)
    offset 0
  ) s
  cross join lateral (
    select * from pgflow.steps l where l.flow_slug = s.flow_slug and l.step_slug = s.step_slug limit 1
  ) st
  where s.status = 'started' and st.kind in ('loop', 'subflow') and st.options ? 'deadline';
end;
$$;
