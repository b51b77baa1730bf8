-- Of these runs the children whose parents do not wait for them, each with the run at the root of them all, as
-- far as it is there: that is the one to retry.
create function pgflow._unawaited(run_ids uuid[], out child_ids uuid[], out root_ids uuid[])
language plpgsql
as $$
begin
  with recursive up(child_id, run_id, depth) as (
    select o.run_id, o.from_run_id, 1
    from unnest(_unawaited.run_ids) i(run_id)
    cross join lateral (select l.has_origin from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select * from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'child' limit 1
    ) o
    where not pgflow._is_awaited(o.from_run_id, o.step_slug, o.task_index, o.attempt)
    union all
    select u.child_id, o.from_run_id, u.depth + 1
    from up u
    join pgflow.origins o on o.run_id = u.run_id and o.kind = 'child'
    where u.depth < 100
  )
  select array_agg(u.child_id), array_agg(u.run_id) into child_ids, root_ids
  from (select distinct on (l.child_id) * from up l order by l.child_id, l.depth desc) u;
end;
$$;
