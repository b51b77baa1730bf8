-- How many tasks each of these failed or cancelled runs has left to do, in their order.
create function pgflow._tasks_to_retry(run_ids uuid[])
returns int[]
language plpgsql
as $$
begin
  return array(
    select (
      select count(*)::int
      from pgflow.step_states s
      join pgflow.step_tasks t on t.run_id = s.run_id and t.step_slug = s.step_slug
      where s.run_id = i.run_id and s.status not in ('completed', 'skipped') and t.status <> 'completed'
    )
    from unnest(_tasks_to_retry.run_ids) with ordinality i(run_id, position)
    order by i.position
  );
end;
$$;
