-- for: client
-- The runs that tasks of a run have started (subflows), by step, task and attempt: of a step only; null for all. after_... are
-- of the last row seen.
create function pgflow.list_children(
  parent_id uuid,
  only_step text default null,
  max_count int default 50,
  after_step_slug text default null,
  after_task_index int default null,
  after_attempt int default null
)
returns table (
  step_slug text, task_index int, attempt int, run_id uuid, flow_slug text, status text, started_at timestamptz,
  ended_at timestamptz, error_message text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- the index's order, whatever the statistics say
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  return query
  select o.step_slug, o.task_index, o.attempt, r.run_id, r.flow_slug, r.status, r.started_at,
    coalesce(r.completed_at, r.failed_at, r.cancelled_at), left(coalesce(r.error_message, r.cancel_reason), 300)
  from pgflow.origins o
  cross join lateral (select * from pgflow.runs l where l.run_id = o.run_id limit 1) r
  where o.kind = 'child' and o.from_run_id = parent_id
    and (only_step is null or o.step_slug = only_step)
    and ((o.step_slug, o.task_index, o.attempt) > (after_step_slug, after_task_index, after_attempt)) is not false
  order by o.step_slug, o.task_index, o.attempt
  limit least(greatest(coalesce(max_count, 50), 0), 10000);
end;
$$;
