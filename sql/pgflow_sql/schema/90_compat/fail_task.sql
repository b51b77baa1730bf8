-- for: pgflow
-- The one-element case of fail_tasks, without fence.
create function pgflow.fail_task(run_id uuid, step_slug text, task_index int, error_message text)
returns setof pgflow.step_tasks
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from pgflow._fail(
    array[null::uuid], array[fail_task.run_id], array[fail_task.step_slug], array[fail_task.task_index],
    array[null::int], array[fail_task.error_message], null, null, false
  );
  return query
  select t.*
  from pgflow.step_tasks t
  where t.run_id = fail_task.run_id
    and t.step_slug = fail_task.step_slug
    and t.task_index = fail_task.task_index;
end;
$$;
