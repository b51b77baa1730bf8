-- Writes down which tasks of these runs, or of these steps of theirs (pairs), are under way whose steps can be undone. What a
-- subflow step is at is its child. Callers hold the runs, which are about to end, or have just ended, or the steps have.
create function pgflow._note_under_way(run_ids uuid[], step_slugs text[] default null)
returns void
language plpgsql
as $$
begin
  insert into pgflow.late_results (run_id, step_slug, task_index, attempt, worker_id, patience_ends_at)
  select t.run_id, t.step_slug, t.task_index, t.attempts_count, t.last_worker_id,
    t.started_at + make_interval(secs => 30 + p.timeouts[array_position(p.step_slugs, t.step_slug)])
  from unnest(_note_under_way.run_ids, _note_under_way.step_slugs) i(run_id, step_slug)
  cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (
    select * from pgflow.prepared_flows l where l.flow_slug = r.flow_slug and l.has_ends limit 1
  ) p
  cross join lateral (select l.options from pgflow.flows l where l.flow_slug = r.flow_slug limit 1) f
  cross join lateral jsonb_object_keys(f.options #> '{undo,steps}') u(step_slug)
  cross join lateral (
    select * from pgflow.step_tasks l where l.run_id = i.run_id and l.step_slug = u.step_slug offset 0
  ) t
  where t.status = 'started' and (i.step_slug is null or i.step_slug = u.step_slug)
    and p.kinds[array_position(p.step_slugs, t.step_slug)] <> 'subflow'
  on conflict on constraint late_results_pkey do nothing;
end;
$$;
