-- Steps that have just been completed or skipped (pairs) release their dependents: remaining_deps goes down,
-- a dependent map learns its number of tasks. With start = true dependents that become ready are started in
-- the same update (one row version less), except in runs where a dependent has a condition or no tasks:
-- these have to be settled first. Returns pairs: started ones (with the worker of a parent), and those that
-- became ready but were not started.
create function pgflow._release_dependents(
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  start boolean,
  out started_run_ids uuid[],
  out started_step_slugs text[],
  out started_worker_ids uuid[],
  out ready_run_ids uuid[],
  out ready_step_slugs text[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_all bigint;  -- see 0001_model.sql
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
        max(l.task_count) as task_count,
        (array_agg(d.worker_id))[1] as worker_id,
        _release_dependents.start and not bool_or(bool_or(
          child.required_input_pattern is not null
          or child.forbidden_input_pattern is not null
          or coalesce(l.task_count = 0, false)
        )) over (partition by d.run_id) as start
      from unnest(
        _release_dependents.run_ids, _release_dependents.step_slugs, _release_dependents.worker_ids
      ) d(run_id, step_slug, worker_id)
      cross join lateral (
        select s.flow_slug, s.status, s.output
        from pgflow.step_states s
        where s.run_id = d.run_id and s.step_slug = d.step_slug
        limit 1
      ) p
      cross join lateral (
        select e.step_slug
        from pgflow.deps e
        where e.flow_slug = p.flow_slug and e.dep_slug = d.step_slug
        offset 0
      ) dep
      cross join lateral (
        select st.step_type, st.required_input_pattern, st.forbidden_input_pattern
        from pgflow.steps st
        where st.flow_slug = p.flow_slug and st.step_slug = dep.step_slug
        limit 1
      ) child
      cross join lateral (
        select case
          when child.step_type <> 'map' then null
          when p.status = 'skipped' then 0
          when jsonb_typeof(p.output) = 'array' then jsonb_array_length(p.output)
        end as task_count
      ) l
      group by d.run_id, dep.step_slug
      limit v_all
    ) x
    where c.run_id = x.run_id and c.step_slug = x.step_slug
    returning c.run_id, c.step_slug, c.status, c.remaining_deps, c.initial_tasks, x.worker_id, x.start
  ),
  ready as (
    select * from released l
    where l.remaining_deps = 0
      and (l.status = 'created' and l.initial_tasks is not null or l.status = 'started' and l.start)
    order by l.run_id, l.step_slug collate "C"
  )
  select
    array_agg(l.run_id) filter (where l.status = 'started'),
    array_agg(l.step_slug) filter (where l.status = 'started'),
    array_agg(l.worker_id) filter (where l.status = 'started'),
    array_agg(l.run_id) filter (where l.status = 'created'),
    array_agg(l.step_slug) filter (where l.status = 'created')
  into started_run_ids, started_step_slugs, started_worker_ids, ready_run_ids, ready_step_slugs
  from ready l;
end;
$$;
