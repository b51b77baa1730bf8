-- Judges and starts what is ready in these started runs, but for those that have not begun, and ends those that have
-- nothing left. What it starts is visible delays[i] seconds later than else in run i. Callers hold the runs.
create function pgflow._start_ready(run_ids uuid[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_begun uuid[] := array(
    select r.run_id from pgflow.runs r where r.run_id = any(run_ids) and r.begins_at is null
  );
  v_ready record;
  v_started record;
  v_sent record;
begin
  select array_agg(r.run_id) as run_ids, array_agg(r.step_slug) as step_slugs into v_ready
  from (
    select s.run_id, s.step_slug
    from unnest(v_begun) i(run_id)
    cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
    where s.status = 'created' and s.remaining_deps = 0 and s.initial_tasks is not null
    order by s.run_id, s.step_slug collate "C"
  ) r;

  select s.* into v_started
  from pgflow._settle(v_ready.run_ids, v_ready.step_slugs) p
  cross join lateral pgflow._start_steps(p.start_run_ids, p.start_step_slugs) s;
  if v_started.started_run_ids is not null then
    perform pgflow._send_events('step:started', v_started.started_run_ids, v_started.started_step_slugs);
    perform pgflow._spawn_tasks(
      v_started.started_flow_slugs, v_started.started_run_ids, v_started.started_step_slugs, null,
      v_started.started_task_counts, 0
    );
    if 0 < any(delays) then
      select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids,
        array_agg(floor(i.delay)::int + coalesce(st.opt_start_delay, 0)) as delays
      into v_sent
      from unnest(v_started.started_run_ids, v_started.started_step_slugs) p(run_id, step_slug)
      cross join lateral (
        select * from pgflow.step_tasks l where l.run_id = p.run_id and l.step_slug = p.step_slug offset 0
      ) t
      join unnest(_start_ready.run_ids, _start_ready.delays) i(run_id, delay) on i.run_id = p.run_id
      join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug;
      perform pgflow._send_back(v_sent.flow_slugs, v_sent.msg_ids, v_sent.delays);
    end if;
  end if;
  perform pgflow._finish_runs(v_begun, false, true);
end;
$$;
