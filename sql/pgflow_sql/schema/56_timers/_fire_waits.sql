-- Sends the tasks of these timers whose time has come, or lets them wait for the release of their run; one that went
-- on some other way meanwhile is left alone.
create function pgflow._fire_waits(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_due record;
begin
  select array_agg(t.run_id order by d.due_at, d.timer_id) as run_ids,
    array_agg(t.step_slug order by d.due_at, d.timer_id) as step_slugs,
    array_agg(t.task_index order by d.due_at, d.timer_id) as task_indexes
  into v_due
  from (
    select l.timer_id, l.due_at, l.run_id, l.step_slug, l.task_index, (l.payload ->> 'attempt')::int as attempt
    from pgflow.timers l
    where l.timer_id = any(timer_ids)
    offset 0
  ) d
  cross join lateral (select l.status from pgflow.runs l where l.run_id = d.run_id limit 1) r
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = d.run_id and l.step_slug = d.step_slug limit 1
  ) s
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = d.run_id and l.step_slug = d.step_slug and l.task_index = d.task_index
    limit 1
  ) t
  where r.status = 'started' and s.status = 'started'
    and t.status = 'queued' and t.waits_for in ('time', 'round') and t.attempts_count = d.attempt;
  if v_due.run_ids is not null then
    perform pgflow._send_anew(v_due.run_ids, v_due.step_slugs, v_due.task_indexes, null);
    perform pgflow._keep_held(v_due.run_ids);
  end if;
end;
$$;
