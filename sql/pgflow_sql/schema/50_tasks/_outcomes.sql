-- The elements at these positions of a worker's call, with one outcome; order of the positions.
create function pgflow._outcomes(
  outcome text,
  positions bigint[],
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[]
)
returns setof pgflow.task_result
language plpgsql
as $$
begin
  return query
  select
    _outcomes.outcome, r.flow_slug, g.run_id, g.step_slug, g.task_index, g.attempt, g.worker_id, t.message_id,
    case when _outcomes.outcome = 'stale' then pgflow._why_refused(g.run_id, g.step_slug) end, null::jsonb, null::int, null::timestamptz, r.trace_context, null::int, null::int, null::jsonb, null::int
  from unnest(_outcomes.positions) with ordinality p(position, sequence)
  cross join lateral (
    select
      _outcomes.worker_ids[p.position] as worker_id,
      _outcomes.run_ids[p.position] as run_id,
      _outcomes.step_slugs[p.position] as step_slug,
      _outcomes.task_indexes[p.position] as task_index,
      _outcomes.attempts[p.position] as attempt
  ) g
  left join lateral (
    select l.flow_slug, l.trace_context from pgflow.runs l where l.run_id = g.run_id limit 1
  ) r on true
  left join lateral (
    select l.message_id
    from pgflow.step_tasks l
    where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
    limit 1
  ) t on true
  order by p.sequence;
end;
$$;
