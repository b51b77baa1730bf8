-- for: client
-- Where a run comes from that nobody started by itself; no row: somebody did. kind: child (of a task of from_run_id), fork (of
-- from_run_id), schedule, end or undo (of from_run_id); depth: how many runs deep it was started as a child. from_run_id may
-- have been pruned.
create function pgflow.get_run_origin(run_id uuid)
returns table (
  kind text, from_run_id uuid, step_slug text, task_index int, attempt int, schedule_slug text, fire_at timestamptz,
  depth int
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select o.kind, o.from_run_id, o.step_slug, o.task_index, o.attempt, o.schedule_slug, o.fire_at, o.depth
  from pgflow.origins o
  where o.run_id = get_run_origin.run_id;
end;
$$;
