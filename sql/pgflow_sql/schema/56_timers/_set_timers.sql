-- Writes a timer for each element: of a run, or of a task where there are steps and indexes. None is due before
-- now, as the look for due ones does not begin earlier. Callers hold the runs.
create function pgflow._set_timers(
  kind text, due_at timestamptz[], flow_slugs text[], run_ids uuid[], step_slugs text[], task_indexes int[],
  payloads jsonb[]
)
returns void
language plpgsql
as $$
begin
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, task_index, payload)
  select greatest(t.due_at, clock_timestamp()), _set_timers.kind, t.flow_slug, t.run_id, t.step_slug, t.task_index,
    t.payload
  from unnest(
    _set_timers.due_at, _set_timers.flow_slugs, _set_timers.run_ids, _set_timers.step_slugs,
    _set_timers.task_indexes, _set_timers.payloads
  ) t(due_at, flow_slug, run_id, step_slug, task_index, payload);
end;
$$;
