-- Starts ready steps (pairs) that have tasks, in runs that are started; returns those it started. Their
-- tasks do not exist yet: _spawn_tasks makes them.
create function pgflow._start_steps(
  run_ids uuid[],
  step_slugs text[],
  out started_flow_slugs text[],
  out started_run_ids uuid[],
  out started_step_slugs text[],
  out started_task_counts int[]
)
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  with started as (
    update pgflow.step_states s
    set status = 'started',
        started_at = greatest(now(), s.created_at),
        remaining_tasks = s.initial_tasks
    from (
      select g.run_id, g.step_slug
      from unnest(_start_steps.run_ids, _start_steps.step_slugs) g(run_id, step_slug)
      cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
      where r.status = 'started'
      limit v_all
    ) p
    where s.run_id = p.run_id
      and s.step_slug = p.step_slug
      and s.status = 'created'
      and s.remaining_deps = 0
      and s.initial_tasks > 0
    returning s.flow_slug, s.run_id, s.step_slug, s.initial_tasks
  ),
  sorted as (select * from started s order by s.run_id, s.step_slug collate "C")
  select array_agg(s.flow_slug), array_agg(s.run_id), array_agg(s.step_slug), array_agg(s.initial_tasks)
  into started_flow_slugs, started_run_ids, started_step_slugs, started_task_counts
  from sorted s;
end;
$$;
