-- One row 'due' where one of these runs has just ended as a child, or something is to follow its end: the caller's worker sees to it
-- at once.
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
  ) or exists (
    select 1
    from unnest(_told_due.run_ids) i(run_id)
    left join pgflow.origins o on o.run_id = i.run_id and o.kind = 'undo'
    cross join lateral (
      select 1
      from pgflow.timers l
      where l.run_id in (i.run_id, o.from_run_id) and l.kind = 'companions' and l.due_at <= clock_timestamp()
      limit 1
    ) t
  ) then
    v_due.outcome := 'due';
    return next v_due;
  end if;
end;
$$;
