-- Of an ended run nothing is to be undone any more: a parent of it that has ended too, and whose own undo may wait for that,
-- hears of it as of an end. Callers hold the run.
create function pgflow._note_undone(of_run pgflow.runs)
returns void
language plpgsql
as $$
begin
  if (of_run).has_origin and (of_run).status <> 'completed' then
    insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
    select o.from_run_id, o.step_slug, o.task_index, o.attempt, o.run_id
    from pgflow.origins o
    join pgflow.runs p on p.run_id = o.from_run_id and p.status in ('failed', 'cancelled')
    where o.run_id = (of_run).run_id and o.kind = 'child';
  end if;
end;
$$;
