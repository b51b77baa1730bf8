-- Whether an ended run has to stay for the sake of companions: its own are not over, or it is one of a run that goes on, or
-- that has ended since the cut-off, and whose next undo asks what this one has done.
create function pgflow._is_companion_kept(run_id uuid, has_origin boolean, cutoff timestamptz)
returns boolean
language plpgsql
as $$
begin
  if (select c.busy_run_ids is not null from pgflow._companions_of(array[_is_companion_kept.run_id]) c) then
    return true;
  end if;
  return has_origin is true and exists (
    select 1
    from pgflow.origins o
    join pgflow.runs r on r.run_id = o.from_run_id
    where o.run_id = _is_companion_kept.run_id and o.kind in ('end', 'undo')
      and coalesce(r.completed_at, r.failed_at, r.cancelled_at) < cutoff is not true
  );
end;
$$;
