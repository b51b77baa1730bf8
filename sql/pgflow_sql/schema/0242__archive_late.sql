-- A callback that comes after its step has ended (repeated, or the step was skipped meanwhile) changes nothing,
-- but its message must not be delivered again. A failed run has archived its messages already.
create function pgflow._archive_late(
  positions bigint[], run_ids uuid[], step_slugs text[], task_indexes int[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_late record;
begin
  select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids
  into v_late
  from unnest(_archive_late.run_ids, _archive_late.step_slugs, _archive_late.task_indexes)
    with ordinality g(run_id, step_slug, task_index, position)
  join pgflow.runs r on r.run_id = g.run_id
  join pgflow.step_states s on s.run_id = g.run_id and s.step_slug = g.step_slug
  join pgflow.step_tasks t
    on t.run_id = g.run_id and t.step_slug = g.step_slug and t.task_index = g.task_index
  where g.position = any(_archive_late.positions) and r.status <> 'failed' and s.status <> 'started';

  perform pgflow._archive(v_late.flow_slugs, v_late.msg_ids);
end;
$$;
