-- Whether a task waits for the child that it started in that attempt.
create function pgflow._is_awaited(run_id uuid, step_slug text, task_index int, attempt int)
returns boolean
language plpgsql
as $$
begin
  return exists (
    select 1
    from pgflow.step_tasks t
    join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = t.step_slug
    join pgflow.runs r on r.run_id = t.run_id
    where t.run_id = _is_awaited.run_id and t.step_slug = _is_awaited.step_slug
      and t.task_index = _is_awaited.task_index
      and t.status = 'queued' and t.waits_for = 'child' and t.attempts_count = _is_awaited.attempt
      and s.status = 'started' and r.status = 'started'
  );
end;
$$;
