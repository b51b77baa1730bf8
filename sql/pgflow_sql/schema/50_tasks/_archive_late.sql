-- A callback that comes after its step has ended (repeated, or the step was skipped meanwhile) changes nothing,
-- but its message must not be delivered again. A failed or cancelled run has archived its messages already.
create function pgflow._archive_late(
  positions bigint[], run_ids uuid[], step_slugs text[], task_indexes int[]
)
returns void
language plpgsql
as $$
declare
  v_late record;
begin
  select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids
  into v_late
  from unnest(_archive_late.positions) p(position)
  cross join lateral (
    select
      _archive_late.run_ids[p.position] as run_id,
      _archive_late.step_slugs[p.position] as step_slug,
      _archive_late.task_indexes[p.position] as task_index
  ) g
  cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = g.run_id and l.step_slug = g.step_slug limit 1
  ) s
  cross join lateral (
    select l.flow_slug, l.message_id
    from pgflow.step_tasks l
    where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
    limit 1
  ) t
  where r.status not in ('failed', 'cancelled') and s.status <> 'started';

  perform pgflow._archive(v_late.flow_slugs, v_late.msg_ids);
end;
$$;
