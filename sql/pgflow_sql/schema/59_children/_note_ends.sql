-- Those of these runs, which have just ended, that are children: their parents will hear of it; and what follows the ends
-- of any will be started. Callers hold the runs.
create function pgflow._note_ends(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_parent_ids uuid[];
begin
  perform pgflow._note_companions(_note_ends.run_ids);
  with noted as (
    insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
    select o.from_run_id, o.step_slug, o.task_index, o.attempt, o.run_id
    from unnest(_note_ends.run_ids) i(run_id)
    cross join lateral (select l.has_origin from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select * from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'child' limit 1
    ) o
    returning run_id
  )
  select array_agg(distinct n.run_id) into v_parent_ids from noted n;
  if v_parent_ids is not null and exists (select 1 from pgflow.announcements) then
    perform pgflow._notify(pgflow._flows_of(v_parent_ids), null);  -- idle workers look when the next thing is due
  end if;
end;
$$;
