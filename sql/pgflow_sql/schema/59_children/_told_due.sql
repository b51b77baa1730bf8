-- One row 'due' where one of these runs has just ended as a child: the caller's worker hands it to its parent at once.
create function pgflow._told_due(run_ids uuid[])
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_due pgflow.task_result;
begin
  if exists (
    select 1
    from unnest(_told_due.run_ids) i(run_id)
    cross join lateral (select 1 from pgflow.ended_children l where l.child_run_id = i.run_id limit 1) e
  ) then
    v_due.outcome := 'due';
    return next v_due;
  end if;
end;
$$;
