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
declare
  v_flow_slug text;
begin
  for v_flow_slug in
    select distinct w.queue_name from pgflow.workers w where w.worker_id = any(started_tasks.worker_ids)
  loop
    return query
    select d.worker_id, d.run_id, d.step_slug, d.task_index, d.attempt
    from pgflow._delivered_tasks(v_flow_slug, null) d
    where d.worker_id = any(started_tasks.worker_ids);
  end loop;
end;
$$;
