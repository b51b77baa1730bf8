-- Which of these fences of tasks that workers are at hold no more, by position, and why. Read without locks.
create function pgflow._lost_fences(
  worker_ids uuid[], run_ids uuid[], step_slugs text[], task_indexes int[], attempts int[],
  out lost int[], out reasons text[]
)
language plpgsql
stable
as $$
begin
  select coalesce(array_agg(f.position order by f.position), '{}'),
    coalesce(array_agg(f.reason order by f.position), '{}')
  into lost, reasons
  from (
    select
      g.position::int as position,
      case
        when t.status is null then 'no_such_task'
        when r.status <> 'started' then 'run_' || r.status
        when s.status <> 'started' then 'step_' || s.status
        when t.status <> 'started'
          or t.attempts_count is distinct from g.attempt
          or (t.last_worker_id = any(_lost_fences.worker_ids)) is not true
          then 'other_attempt'
      end as reason
    from unnest(
      _lost_fences.run_ids, _lost_fences.step_slugs, _lost_fences.task_indexes, _lost_fences.attempts
    ) with ordinality g(run_id, step_slug, task_index, attempt, position)
    left join lateral (
      select l.status, l.attempts_count, l.last_worker_id
      from pgflow.step_tasks l
      where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      limit 1
    ) t on true
    left join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r on true
    left join lateral (
      select l.status from pgflow.step_states l where l.run_id = g.run_id and l.step_slug = g.step_slug limit 1
    ) s on true
  ) f
  where f.reason is not null;
end;
$$;
