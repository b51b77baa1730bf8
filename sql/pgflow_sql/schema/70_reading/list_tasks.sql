-- for: client
-- The first tasks of each step of a run, from an index on, without what may be large; null for every step.
create function pgflow.list_tasks(
  run_id uuid, only_step text default null, from_index int default 0, max_tasks int default 100
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
begin
  return query
  select v.*
  from pgflow.step_states s
  cross join lateral (select pgflow._over_at(s.run_id, s.step_slug) as over_at) o
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = s.run_id and l.step_slug = s.step_slug and l.task_index >= list_tasks.from_index
    order by l.task_index
    limit greatest(list_tasks.max_tasks, 0)
  ) t
  cross join lateral pgflow._shown_task(t, o.over_at) v
  where s.run_id = list_tasks.run_id and (list_tasks.only_step is null or s.step_slug = list_tasks.only_step)
  order by t.step_slug, t.task_index;
end;
$$;
