-- Runs that have just ended: has fire_timers start what their flows say is to be done then, at once, or when nothing is under
-- way that may have to be undone; and, of undos among them, what follows an undo. Callers hold the runs.
create function pgflow._note_companions(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_ended uuid[] := pgflow._runs_with_ends(run_ids);
  v_flow_slugs text[];
  v_all bigint;  -- see 00_model/model.sql
begin
  if v_ended is not null then
    perform pgflow._note_under_way(v_ended);
  elsif not exists (
    select 1
    from unnest(_note_companions.run_ids) i(run_id)
    cross join lateral (select l.has_origin from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select 1 from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'undo' limit 1
    ) o
  ) then
    return;
  end if;
  with ended as (
    update pgflow.runs r
    set end_count = coalesce(r.end_count, 0) + 1
    from (
      select g.run_id from unnest(v_ended) g(run_id) limit v_all
    ) i
    where r.run_id = i.run_id
    returning r.run_id, r.flow_slug, r.status, r.end_count
  ),
  asked as (
    select
      greatest(clock_timestamp(), (
        select max(l.patience_ends_at)
        from pgflow.late_results l
        where l.run_id = e.run_id and l.reported_at is null and e.status <> 'completed'
      )) as due_at,
      e.flow_slug, e.run_id, jsonb_build_object('number', e.end_count) as payload
    from ended e
    cross join lateral (select l.options from pgflow.flows l where l.flow_slug = e.flow_slug limit 1) f
    where f.options ? 'undo' and e.status <> 'completed'
      or exists (
        select 1 from jsonb_each(f.options -> 'ends') n(slug, rule) where n.rule ->> 'on' in (e.status, 'always')
      )
    union all
    select clock_timestamp(), p.flow_slug, o.from_run_id, jsonb_build_object(
      'number', o.attempt, 'undone', case r.status when 'completed' then 'completed' else 'failed' end
    )
    from unnest(_note_companions.run_ids) i(run_id)
    cross join lateral (select * from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select * from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'undo' limit 1
    ) o
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = o.from_run_id limit 1) p
  ),
  set_timers as (
    insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload)
    select a.due_at, 'companions', a.flow_slug, a.run_id, a.payload from asked a
    returning flow_slug
  )
  select array_agg(distinct t.flow_slug) into v_flow_slugs from set_timers t;
  perform pgflow._notify(v_flow_slugs, null);
end;
$$;
