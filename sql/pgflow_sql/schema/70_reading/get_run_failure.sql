-- for: client
-- What failed a run: the task its step failed by; only the step where no task did (a condition that was not
-- met); neither where the run failed by itself. One row for a failed run, none for any other.
create function pgflow.get_run_failure(run_id uuid)
returns table (step_slug text, task_index int, error_message text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select s.step_slug, t.task_index, left(coalesce(t.error_message, s.error_message, r.error_message), 20000)
  from pgflow.runs r
  left join lateral (
    select l.step_slug, l.error_message
    from pgflow.step_states l
    where l.run_id = r.run_id and l.status = 'failed'
    order by l.error_message is distinct from r.error_message, l.failed_at, l.step_slug
    limit 1
  ) s on true
  left join lateral (
    select l.task_index, l.error_message
    from pgflow.step_tasks l
    where l.run_id = r.run_id and l.step_slug = s.step_slug and l.status = 'failed'
    -- a step has the message of the task that failed it; tasks that failed along with it may look older
    order by l.error_message is distinct from s.error_message, l.failed_at, l.task_index
    limit 1
  ) t on true
  where r.run_id = get_run_failure.run_id and r.status = 'failed';
end;
$$;
