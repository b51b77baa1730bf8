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
  cross join lateral (
    select l.status
    from pgflow.step_tasks l
    where l.run_id = o.run_id and l.step_slug = _undone_before.handler and l.task_index = (p.place - 1)::int
    limit 1
  ) t
  where o.from_run_id = _undone_before.run_id and o.kind = 'undo' and t.status = 'completed';
end;
$$;
