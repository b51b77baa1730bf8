-- for: client
-- How far the steps of a run have come, those that have tasks.
create function pgflow.count_tasks(run_id uuid)
returns table (step_slug text, total bigint, completed bigint, started bigint, failed bigint, attempts bigint)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    t.step_slug,
    count(*),
    count(*) filter (where t.status = 'completed'),
    count(*) filter (where t.status = 'started'),
    count(*) filter (where t.status = 'failed'),
    sum(t.attempts_count)
  from pgflow.step_tasks t
  where t.run_id = count_tasks.run_id
  group by t.step_slug
  order by t.step_slug;
end;
$$;
