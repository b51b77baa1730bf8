-- for: worker
-- The tasks these workers hold by the database's account: after a lost connection a worker releases those of
-- them it has not heard of.
create function pgflow.started_tasks(worker_ids uuid[])
returns table (worker_id uuid, run_id uuid, step_slug text, task_index int, attempt int)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select t.last_worker_id, t.run_id, t.step_slug, t.task_index, t.attempts_count
  from pgflow.step_tasks t
  where t.status = 'started' and t.last_worker_id = any(started_tasks.worker_ids);
end;
$$;
