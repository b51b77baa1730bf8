-- Whether something of what follows these runs' ends is still to be done, or under way; and whether they were undone, as far
-- as that went. Callers hold the runs.
create function pgflow._companions_of(run_ids uuid[], out busy_run_ids uuid[], out undone_run_ids uuid[])
language plpgsql
as $$
begin
  select
    array_agg(i.run_id) filter (
      where exists (select 1 from pgflow.timers t where t.run_id = i.run_id and t.kind = 'companions')
        or exists (
          select 1
          from pgflow.origins o
          join pgflow.runs c on c.run_id = o.run_id
          where o.from_run_id = i.run_id and o.kind in ('end', 'undo') and c.status = 'started'
        )
    ),
    array_agg(i.run_id) filter (
      where exists (select 1 from pgflow.origins o where o.from_run_id = i.run_id and o.kind = 'undo')
    )
  into busy_run_ids, undone_run_ids
  from unnest(_companions_of.run_ids) i(run_id)
  cross join lateral (select l.end_count from pgflow.runs l where l.run_id = i.run_id limit 1) r
  where r.end_count is not null;
end;
$$;
