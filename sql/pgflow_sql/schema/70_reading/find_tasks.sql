-- for: client
-- Certain tasks of a step: failed; cancelled; retried (after a failure or a lost worker); polling (they asked to run
-- again); or slowest: all that were started, those that took longest first. The others in the order of their indexes.
-- skip: how many to pass over.
create function pgflow.find_tasks(
  run_id uuid, only_step text, only_those text, skip int default 0, max_tasks int default 100
)
returns table (
  step_slug text,
  task_index int,
  status text,
  attempts_count int,
  requeued_count int,
  queued_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  last_worker_id uuid,
  error_message text,
  again_count int,
  again_at timestamptz,
  waits_for text,
  due_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_over_at constant timestamptz := pgflow._over_at(find_tasks.run_id, find_tasks.only_step);
begin
  return query
  select v.*
  from pgflow.step_tasks t
  cross join lateral pgflow._shown_task(t, v_over_at) v
  where t.run_id = find_tasks.run_id
    and t.step_slug = find_tasks.only_step
    and case find_tasks.only_those
      when 'failed' then t.status = 'failed'
      when 'cancelled' then v.status = 'cancelled'
      when 'retried' then t.attempts_count - coalesce(t.again_count, 0) > 1
      when 'polling' then v.again_at is not null
      when 'slowest' then t.started_at is not null
    end
  order by
    case when find_tasks.only_those = 'slowest' then
      coalesce(v.ended_at, clock_timestamp()) - v.started_at
    end desc,
    t.task_index
  limit greatest(find_tasks.max_tasks, 0)
  offset greatest(find_tasks.skip, 0);
end;
$$;
