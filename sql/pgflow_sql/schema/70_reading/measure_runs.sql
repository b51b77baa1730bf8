-- for: client
-- How many runs of a flow started in each part of a time, how they ended and how long they took: of the latest
-- max_runs, within a hundred years, in 10,000 parts at most, else PF011. A row for each part, empty ones too; the first ones are null where the runs looked at do not reach.
create function pgflow.measure_runs(
  flow_slug text, recent interval default '1 hour', part_count int default 60, max_runs int default 20000
)
returns table (
  part_at timestamptz,
  part_seconds double precision,
  run_count bigint,
  completed_count bigint,
  failed_count bigint,
  duration_p50_seconds double precision,
  duration_p95_seconds double precision,
  cancelled_count bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_seconds double precision;
  v_first timestamptz;
begin
  if (measure_runs.part_count between 1 and 10000) is not true
    or (measure_runs.recent > interval '0' and measure_runs.recent <= interval '100 years') is not true
  then
    raise exception 'Runs cannot be measured in % parts of %', measure_runs.part_count, measure_runs.recent
      using errcode = 'PF011', hint = 'Ask for 1 to 10,000 parts of a time up to a hundred years.';
  end if;
  v_seconds := extract(epoch from measure_runs.recent)::double precision / measure_runs.part_count;
  v_first := now() - measure_runs.recent;
  return query
  with latest as materialized (
    select
      r.status,
      r.started_at,
      extract(epoch from coalesce(r.completed_at, r.failed_at, r.cancelled_at) - r.started_at)::double precision as seconds,
      least(
        floor(extract(epoch from r.started_at - v_first)::double precision / v_seconds)::int,
        measure_runs.part_count - 1
      ) as part
    from pgflow.runs r
    where r.flow_slug = measure_runs.flow_slug and r.started_at > v_first
    order by r.started_at desc
    limit greatest(measure_runs.max_runs, 0)
  ),
  parts as (
    select
      l.part,
      count(*) as runs,
      count(*) filter (where l.status = 'completed') as completed,
      count(*) filter (where l.status = 'failed') as failed,
      count(*) filter (where l.status = 'cancelled') as cancelled,
      percentile_cont(array[0.5, 0.95]) within group (order by l.seconds)
        filter (where l.status = 'completed') as durations
    from latest l
    group by l.part
  ),
  reach as (
    select case when count(*) >= measure_runs.max_runs then min(l.part) else 0 end as part from latest l
  )
  select
    v_first + make_interval(secs => n.part * v_seconds),
    v_seconds,
    case when n.part >= h.part then coalesce(p.runs, 0) end,
    case when n.part >= h.part then coalesce(p.completed, 0) end,
    case when n.part >= h.part then coalesce(p.failed, 0) end,
    p.durations[1],
    p.durations[2],
    case when n.part >= h.part then coalesce(p.cancelled, 0) end
  from generate_series(0, measure_runs.part_count - 1) n(part)
  cross join reach h
  left join parts p on p.part = n.part
  order by n.part;
end;
$$;
