-- Keeps what the tasks of these steps (pairs) have given, of those that can be undone, before their rows lose it. Failures that
-- are values are no results. Callers hold the runs.
create function pgflow._note_done(run_ids uuid[], step_slugs text[])
returns void
language plpgsql
as $$
begin
  insert into pgflow.late_results (
    run_id, step_slug, task_index, attempt, worker_id, patience_ends_at, reported_at, is_completed, output
  )
  select t.run_id, t.step_slug, t.task_index, t.attempts_count, t.last_worker_id, t.completed_at, t.completed_at, true,
    t.output
  from unnest(_note_done.run_ids, _note_done.step_slugs) i(run_id, step_slug)
  cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (
    select 1
    from pgflow.flows l
    where l.flow_slug = r.flow_slug and l.options #> array['undo', 'steps', i.step_slug] is not null
    limit 1
  ) f
  cross join lateral (
    select * from pgflow.step_tasks l where l.run_id = i.run_id and l.step_slug = i.step_slug offset 0
  ) t
  where t.status = 'completed' and t.is_tolerated is not true
  on conflict on constraint late_results_pkey do update
  set reported_at = excluded.reported_at, is_completed = true, output = excluded.output;
end;
$$;
