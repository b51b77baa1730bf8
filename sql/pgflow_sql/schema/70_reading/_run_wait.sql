-- What a started run waits for: its first signal step that waits for somebody, else its sleep that is over first, else a step
-- that waits for the end of a run it started; and the signal's deadline, or when the sleep is over. Nulls where there is no
-- such step.
create function pgflow._run_wait(run_id uuid, out waits_for text, out waits_until timestamptz)
language plpgsql
stable
as $$
begin
  select w.step_slug, w.deadline_at into waits_for, waits_until
  from pgflow.waiting_signals w
  where w.run_id = _run_wait.run_id
  order by w.since, w.step_slug
  limit 1;
  if waits_for is null then
    select t.step_slug, t.due_at into waits_for, waits_until
    from pgflow.timers t
    where t.run_id = _run_wait.run_id and t.kind = 'sleep'
    order by t.due_at, t.step_slug
    limit 1;
  end if;
  if waits_for is null then
    select o.step_slug into waits_for
    from pgflow.origins o
    join pgflow.step_tasks t
      on t.run_id = o.from_run_id and t.step_slug = o.step_slug and t.task_index = o.task_index and t.waits_for = 'child'
    where o.kind = 'child' and o.from_run_id = _run_wait.run_id
    limit 1;
  end if;
end;
$$;
