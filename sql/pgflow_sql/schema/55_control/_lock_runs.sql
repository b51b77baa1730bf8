-- Locks those of these runs that exist, by id, and returns them with the status they have then. What the caller
-- reads in its next statement is what others have committed meanwhile.
create function pgflow._lock_runs(run_ids uuid[], out found_run_ids uuid[], out statuses text[])
language plpgsql
as $$
begin
  select array_agg(l.run_id), array_agg(l.status) into found_run_ids, statuses
  from (
    select r.run_id, r.status
    from pgflow.runs r
    where r.run_id = any(_lock_runs.run_ids)
    order by r.run_id
    for no key update
  ) l;
end;
$$;
