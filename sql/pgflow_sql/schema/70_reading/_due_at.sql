-- When the timer of a task that waits for a time is due.
create function pgflow._due_at(task pgflow.step_tasks)
returns timestamptz
language plpgsql
stable
as $$
begin
  return (
    select min(t.due_at)
    from pgflow.timers t
    where t.run_id = (task).run_id and t.step_slug = (task).step_slug and t.task_index = (task).task_index
      and t.kind = 'wait'
  );
end;
$$;
