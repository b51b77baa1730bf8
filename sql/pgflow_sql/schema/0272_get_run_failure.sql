-- The task that failed first in a run, the culprit of a failed one; no row if none failed.
create function pgflow.get_run_failure(run_id uuid)
returns table (step_slug text, task_index int, error_message text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select t.step_slug, t.task_index, left(t.error_message, 20000)
  from pgflow.step_tasks t
  where t.run_id = get_run_failure.run_id and t.status = 'failed'
  -- tasks of one transaction failed at the same moment: the one that has a reason comes first
  order by t.failed_at, t.error_message is null, t.step_slug, t.task_index
  limit 1;
end;
$$;
