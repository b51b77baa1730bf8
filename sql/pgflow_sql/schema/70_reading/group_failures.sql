-- for: client
-- Failed runs by flow, step and what their messages have in common, the latest first: of the latest max_runs that
-- started within recent. message: the latest one's first line; error_key finds the runs (pgflow.find_runs).
create function pgflow.group_failures(
  only_flow text default null, recent interval default '7 days', max_runs int default 2000, max_groups int default 100
)
returns table (
  flow_slug text,
  step_slug text,
  error_key text,
  message text,
  run_count bigint,
  first_at timestamptz,
  last_at timestamptz,
  last_run_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  return query
  with latest as materialized (
    select r.run_id, r.flow_slug, r.failed_at, r.error_message
    from pgflow.runs r
    where r.failed_at is not null
      and r.run_id >= pgflow._first_run_id(pgflow._ago(group_failures.recent))
      and (group_failures.only_flow is null or r.flow_slug = group_failures.only_flow)
    order by r.run_id desc
    limit greatest(group_failures.max_runs, 0)
  )
  select
    l.flow_slug,
    s.step_slug,
    k.error_key,
    (array_agg(left(split_part(l.error_message, E'\n', 1), 300) order by l.failed_at desc))[1],
    count(*),
    min(l.failed_at),
    max(l.failed_at),
    (array_agg(l.run_id order by l.failed_at desc))[1]
  from latest l
  cross join lateral (select coalesce(pgflow._error_key(l.error_message), '') as error_key) k
  left join lateral (
    select c.step_slug
    from pgflow.step_states c
    where c.run_id = l.run_id and c.status = 'failed'
    order by c.error_message is distinct from l.error_message, c.failed_at, c.step_slug
    limit 1
  ) s on true
  group by l.flow_slug, s.step_slug, k.error_key
  order by max(l.failed_at) desc
  limit greatest(group_failures.max_groups, 0);
end;
$$;
