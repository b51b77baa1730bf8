-- What earlier undos of a run have undone of a step. handler: the step of the undo's flow.
create function pgflow._undone_before(run_id uuid, step_slug text, handler text)
returns table (task_index int, attempt int)
language plpgsql
stable
as $$
begin
  return query
  select (p.pair ->> 0)::int, (p.pair ->> 1)::int
  from pgflow.origins o
  cross join lateral (
    select u.input #> array['steps', _undone_before.step_slug, 'tasks'] as pairs
    from pgflow.runs u
    where u.run_id = o.run_id
    offset 0
  ) g
  cross join lateral jsonb_array_elements(g.pairs) with ordinality p(pair, place)
  join pgflow.step_tasks t on t.run_id = o.run_id and t.step_slug = _undone_before.handler
    and t.task_index = p.place - 1
  where o.from_run_id = _undone_before.run_id and o.kind = 'undo' and t.status = 'completed';
end;
$$;
