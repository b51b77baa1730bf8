-- Lets failed and cancelled runs go on where they ended: steps that failed or were cancelled start again with what is
-- left of their tasks, those that had not started are judged again. Run i goes on after a random part of spread
-- seconds. Callers hold the runs, and pass each once.
create function pgflow._retry_runs(run_ids uuid[], spread double precision)
returns void
language plpgsql
as $$
declare
  v_delays double precision[] := array(select random() * _retry_runs.spread from unnest(_retry_runs.run_ids));
  v_all bigint;  -- see 00_model/model.sql
begin
  update pgflow.step_states s
  set status = case when s.started_at is null then 'created' else 'started' end,
      remaining_tasks = case when s.started_at is not null then o.task_count end,
      failed_at = null,
      cancelled_at = null,
      error_message = null
  from (
    select l.run_id, l.step_slug, (
      select greatest(count(*), 1)::int  -- a step without a handler has no tasks, and one thing to wait for
      from pgflow.step_tasks t
      where t.run_id = l.run_id and t.step_slug = l.step_slug and t.status <> 'completed'
    ) as task_count
    from unnest(_retry_runs.run_ids) i(run_id)
    cross join lateral (select * from pgflow.step_states x where x.run_id = i.run_id offset 0) l
    where l.status in ('failed', 'cancelled', 'started')
    limit v_all
  ) o
  where s.run_id = o.run_id and s.step_slug = o.step_slug;

  update pgflow.runs r
  set status = 'started',
      failed_at = null,
      cancelled_at = null,
      error_message = null,
      cancel_reason = null,
      held_at = null,
      remaining_steps = o.step_count
  from (
    select i.run_id, (
      select count(*)::int
      from pgflow.step_states s
      where s.run_id = i.run_id and s.status not in ('completed', 'skipped')
    ) as step_count
    from unnest(_retry_runs.run_ids) i(run_id)
    limit v_all
  ) o
  where r.run_id = o.run_id;

  perform pgflow._send_events('run:retried', _retry_runs.run_ids);
  perform pgflow._drop_timers(_retry_runs.run_ids);
  delete from pgflow.late_results l
  where l.run_id = any(_retry_runs.run_ids) and l.reported_at is not null and not l.is_completed;
  delete from pgflow.ended_children e where e.run_id = any(_retry_runs.run_ids);  -- looked at anew below
  perform pgflow._set_run_timeouts(_retry_runs.run_ids, v_delays);
  perform pgflow._await_begins(_retry_runs.run_ids, v_delays);
  perform pgflow._note_signal_keys(_retry_runs.run_ids);
  perform pgflow._wait_again(_retry_runs.run_ids, v_delays);
  perform pgflow._set_loop_deadlines(_retry_runs.run_ids, null, v_delays);
  perform pgflow._retry_tasks(_retry_runs.run_ids, v_delays);
  perform pgflow._start_ready(_retry_runs.run_ids, v_delays);
  perform pgflow._notify(null, _retry_runs.run_ids);
end;
$$;
