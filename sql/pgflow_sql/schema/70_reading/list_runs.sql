-- for: client
-- The latest runs, without what may be large; null for any flow and any status. begins_at: of one that is to begin later.
-- waits_for and waits_until: see _run_wait.
create function pgflow.list_runs(
  only_flow text default null, only_status text default null, max_runs int default 20
)
returns table (
  run_id uuid,
  flow_slug text,
  status text,
  started_at timestamptz,
  ended_at timestamptz,
  remaining_steps int,
  begins_at timestamptz,
  waits_for text,
  waits_until timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select r.run_id, r.flow_slug, r.status, r.started_at, coalesce(r.completed_at, r.failed_at, r.cancelled_at),
    r.remaining_steps,
    case when r.status = 'started' then r.begins_at end, w.waits_for, w.waits_until
  from pgflow.flows f
  cross join lateral (
    -- of each flow no more than are wanted in all: its index has them in this order
    select *
    from pgflow.runs l
    where l.flow_slug = f.flow_slug
      and (list_runs.only_status is null or l.status = list_runs.only_status)
    order by l.started_at desc, l.run_id desc
    limit greatest(list_runs.max_runs, 0)
  ) r
  left join lateral pgflow._run_wait(r.run_id) w on r.status = 'started'
  where list_runs.only_flow is null or f.flow_slug = list_runs.only_flow
  order by r.started_at desc, r.run_id desc
  limit greatest(list_runs.max_runs, 0);
end;
$$;
