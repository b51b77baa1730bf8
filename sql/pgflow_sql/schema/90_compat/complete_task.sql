-- for: pgflow
-- The one-element case of complete_tasks, without fence and hand-over.
create function pgflow.complete_task(run_id uuid, step_slug text, task_index int, output jsonb)
returns setof pgflow.step_tasks
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from pgflow._complete(
    array[null::uuid], array[complete_task.run_id], array[complete_task.step_slug],
    array[complete_task.task_index], array[null::int], array[complete_task.output], 0, '{}', false
  );
  return query
  select t.*
  from pgflow.step_tasks t
  where t.run_id = complete_task.run_id
    and t.step_slug = complete_task.step_slug
    and t.task_index = complete_task.task_index;
end;
$$;
