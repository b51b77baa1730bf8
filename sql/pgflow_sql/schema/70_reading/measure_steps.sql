-- for: client
-- The steps of a flow in its latest runs: at most max_runs that started within recent. One row a step, in the
-- order of definition; columns as in pgflow.step_overview, which is this with the defaults.
create function pgflow.measure_steps(
  flow_slug text, recent interval default '1 hour', max_runs int default 1000
)
returns table (
  step_slug text,
  step_type text,
  step_index int,
  window_seconds double precision,
  run_count bigint,
  created_count bigint,
  started_count bigint,
  completed_count bigint,
  failed_count bigint,
  skipped_count bigint,
  queued_task_count bigint,
  started_task_count bigint,
  completed_task_count bigint,
  failed_task_count bigint,
  retry_count bigint,
  requeue_count bigint,
  completed_per_second double precision,
  duration_p50_seconds double precision,
  duration_p95_seconds double precision,
  duration_p99_seconds double precision,
  wait_p50_seconds double precision,
  wait_p95_seconds double precision,
  cancelled_count bigint,
  cancelled_task_count bigint,
  again_count bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with latest as materialized (
    select r.run_id, r.started_at, r.status = 'started' as is_open
    from pgflow.runs r
    where r.flow_slug = measure_steps.flow_slug and r.started_at > pgflow._ago(measure_steps.recent)
    order by r.started_at desc
    limit greatest(measure_steps.max_runs, 0)
  ),
  span as (
    select count(*) as runs, extract(epoch from clock_timestamp() - min(l.started_at))::double precision as seconds
    from latest l
  ),
  states as (
    select
      s.step_slug,
      count(*) filter (where s.status = 'created' and l.is_open) as created,
      count(*) filter (where s.status = 'started' and l.is_open) as started,
      count(*) filter (where s.status = 'completed') as completed,
      count(*) filter (where s.status = 'failed') as failed,
      count(*) filter (where s.status = 'skipped') as skipped,
      count(*) filter (
        where s.status = 'cancelled' or s.status in ('created', 'started') and not l.is_open
      ) as cancelled
    from latest l
    join pgflow.step_states s on s.run_id = l.run_id
    group by s.step_slug
  ),
  tasks as (
    select
      t.step_slug,
      count(*) filter (where t.status = 'queued' and l.is_open and s.status = 'started') as queued,
      count(*) filter (where t.status = 'started' and l.is_open and s.status = 'started') as started,
      count(*) filter (
        where t.status = 'cancelled' or t.status in ('queued', 'started') and not (l.is_open and s.status = 'started')
      ) as cancelled,
      count(*) filter (where t.status = 'completed') as completed,
      count(*) filter (where t.status = 'failed') as failed,
      -- attempts that were no first ones, not given back by a crash, and not asked for
      sum(greatest(t.attempts_count - t.requeued_count - coalesce(t.again_count, 0) - 1, 0))::bigint as retries,
      sum(t.again_count)::bigint as again,
      sum(t.requeued_count)::bigint as requeues,
      percentile_cont(array[0.5, 0.95, 0.99]) within group (
        order by extract(epoch from t.completed_at - t.started_at)::double precision
      ) filter (where t.completed_at is not null) as durations,
      percentile_cont(array[0.5, 0.95]) within group (
        order by extract(epoch from t.started_at - t.queued_at)::double precision
      ) filter (where t.started_at is not null) as waits
    from latest l
    join pgflow.step_tasks t on t.run_id = l.run_id
    join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = t.step_slug
    group by t.step_slug
  )
  select
    st.step_slug,
    st.step_type,
    st.step_index,
    p.seconds,
    p.runs,
    coalesce(s.created, 0),
    coalesce(s.started, 0),
    coalesce(s.completed, 0),
    coalesce(s.failed, 0),
    coalesce(s.skipped, 0),
    coalesce(t.queued, 0),
    coalesce(t.started, 0),
    coalesce(t.completed, 0),
    coalesce(t.failed, 0),
    coalesce(t.retries, 0),
    coalesce(t.requeues, 0),
    coalesce(t.completed, 0) / nullif(p.seconds, 0),
    t.durations[1],
    t.durations[2],
    t.durations[3],
    t.waits[1],
    t.waits[2],
    coalesce(s.cancelled, 0),
    coalesce(t.cancelled, 0),
    coalesce(t.again, 0)
  from pgflow.steps st
  cross join span p
  left join states s on s.step_slug = st.step_slug
  left join tasks t on t.step_slug = st.step_slug
  where st.flow_slug = measure_steps.flow_slug
  order by st.step_index;
end;
$$;
