-- Whether children of an ended run still go on, or are to be undone yet: what they did rests on what their parent did before.
create function pgflow._has_open_children(run_id uuid)
returns boolean
language plpgsql
stable
as $$
begin
  return exists (
    select 1
    from pgflow.origins o
    cross join lateral (select l.status, l.end_count from pgflow.runs l where l.run_id = o.run_id limit 1) c
    where o.kind = 'child' and o.from_run_id = _has_open_children.run_id
      and (
        c.status = 'started'
        or c.end_count is not null and c.status <> 'completed' and (
          exists (
            select 1
            from pgflow.timers t
            where t.run_id = o.run_id and t.kind = 'companions' and not t.payload ? 'undone'
          )
          or exists (
            select 1
            from pgflow.origins u
            cross join lateral (select l.status from pgflow.runs l where l.run_id = u.run_id limit 1) r
            where u.from_run_id = o.run_id and u.kind = 'undo' and r.status = 'started'
          )
        )
      )
  );
end;
$$;
