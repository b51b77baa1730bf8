-- Lets those of these started runs that have not begun wait for their time, and no less than delays[i] seconds. Callers
-- hold the runs, or have just made them.
create function pgflow._await_begins(run_ids uuid[], delays double precision[] default null)
returns void
language plpgsql
as $$
declare
  v_flow_slugs text[];
begin
  with awaited as (
    insert into pgflow.timers (due_at, kind, flow_slug, run_id)
    select greatest(r.begins_at, clock_timestamp() + make_interval(secs => coalesce(i.delay, 0))), 'begin', r.flow_slug,
      r.run_id
    from unnest(_await_begins.run_ids, _await_begins.delays) i(run_id, delay)
    cross join lateral (select * from pgflow.runs l where l.run_id = i.run_id limit 1) r
    where r.begins_at is not null
    returning flow_slug
  )
  select array_agg(distinct a.flow_slug) into v_flow_slugs from awaited a;
  perform pgflow._notify(v_flow_slugs, null);
end;
$$;
