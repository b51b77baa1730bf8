-- What earlier undos of a run have undone of a step, as pairs [task_index, attempt]. handler: the step of the undo's flow.
create function pgflow._undone_before(run_id uuid, step_slug text, handler text)
returns jsonb
language plpgsql
stable
as $$
begin
  return (
    select jsonb_agg(u.input #> array['steps', _undone_before.step_slug, 'tasks', t.task_index::text])
    from pgflow.origins o
    join pgflow.runs u on u.run_id = o.run_id
    join pgflow.step_tasks t on t.run_id = o.run_id and t.step_slug = _undone_before.handler
    where o.from_run_id = _undone_before.run_id and o.kind = 'undo' and t.status = 'completed'
  );
end;
$$;
