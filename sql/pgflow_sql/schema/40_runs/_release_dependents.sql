-- Steps that have just been completed or skipped (pairs, with their flows) release their dependents:
-- remaining_deps goes down, a dependent map learns its number of tasks. With start = true dependents that
-- become ready are started in the same update (one row version less), except in the runs to_settle, where a dependent
-- has a condition or no tasks: see _runs_to_settle. Returns pairs: started ones (with flow, number of
-- tasks, and the worker of a parent), and those that became ready but were not started.
create function pgflow._release_dependents(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  start boolean,
  to_settle uuid[],
  out started_flow_slugs text[],
  out started_run_ids uuid[],
  out started_step_slugs text[],
  out started_worker_ids uuid[],
  out started_task_counts int[],
  out ready_run_ids uuid[],
  out ready_step_slugs text[]
)
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  with released as (
    update pgflow.step_states c
    set remaining_deps = c.remaining_deps - x.dep_count,
        initial_tasks = coalesce(c.initial_tasks, x.task_count),
        status = case when x.start and c.status = 'created' and c.remaining_deps = x.dep_count
            and coalesce(c.initial_tasks, x.task_count) > 0
          then 'started' else c.status end,
        started_at = case when x.start and c.status = 'created' and c.remaining_deps = x.dep_count
            and coalesce(c.initial_tasks, x.task_count) > 0
          then greatest(now(), c.created_at) else c.started_at end,
        remaining_tasks = case when x.start and c.status = 'created' and c.remaining_deps = x.dep_count
          then nullif(coalesce(c.initial_tasks, x.task_count), 0) else c.remaining_tasks end
    from (
      select
        d.run_id,
        dep.step_slug,
        count(*)::int as dep_count,
        max(case when dep.is_array then (
          select case
            when p.status = 'skipped' then 0
            when jsonb_typeof(p.output) = 'array' then jsonb_array_length(p.output)
          end
          from pgflow.step_states p
          where p.run_id = d.run_id and p.step_slug = d.step_slug
        ) end) as task_count,
        (array_agg(d.worker_id))[1] as worker_id,
        _release_dependents.start and not coalesce(d.run_id = any(_release_dependents.to_settle), false) as start
      from unnest(
        _release_dependents.flow_slugs, _release_dependents.run_ids, _release_dependents.step_slugs,
        _release_dependents.worker_ids
      ) d(flow_slug, run_id, step_slug, worker_id)
      cross join lateral (
        select e.step_slug, e.is_array
        from pgflow.deps e
        where e.flow_slug = d.flow_slug and e.dep_slug = d.step_slug
        offset 0
      ) dep
      group by d.run_id, dep.step_slug
      limit v_all
    ) x
    where c.run_id = x.run_id and c.step_slug = x.step_slug
    returning c.flow_slug, c.run_id, c.step_slug, c.status, c.remaining_deps, c.initial_tasks, x.worker_id,
      x.start
  ),
  ready as (
    select * from released l
    where l.remaining_deps = 0
      and (l.status = 'created' and l.initial_tasks is not null or l.status = 'started' and l.start)
    order by l.run_id, l.step_slug collate "C"
  )
  select
    array_agg(l.flow_slug) filter (where l.status = 'started'),
    array_agg(l.run_id) filter (where l.status = 'started'),
    array_agg(l.step_slug) filter (where l.status = 'started'),
    array_agg(l.worker_id) filter (where l.status = 'started'),
    array_agg(l.initial_tasks) filter (where l.status = 'started'),
    array_agg(l.run_id) filter (where l.status = 'created'),
    array_agg(l.step_slug) filter (where l.status = 'created')
  into started_flow_slugs, started_run_ids, started_step_slugs, started_worker_ids, started_task_counts,
    ready_run_ids, ready_step_slugs
  from ready l;
end;
$$;
