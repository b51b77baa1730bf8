-- The child that a task has started in its latest attempt, if any.
create function pgflow._child_of(task pgflow.step_tasks)
returns uuid
language plpgsql
stable
as $$
begin
  return (
    select o.run_id
    from pgflow.origins o
    where o.kind = 'child' and o.from_run_id = (task).run_id and o.step_slug = (task).step_slug
      and o.task_index = (task).task_index and o.attempt = (task).attempts_count
  );
end;
$$;
