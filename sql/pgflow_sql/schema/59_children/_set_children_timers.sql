-- Has the children of these runs, or of these steps (pairs), cancelled or retried by fire_timers, after delays[i] seconds: it
-- finds out which of them that is about when it does so, as many as it may in one transaction. Callers hold the runs.
create function pgflow._set_children_timers(
  kind text, run_ids uuid[], step_slugs text[] default null, delays double precision[] default null
)
returns void
language plpgsql
as $$
declare
  v_flow_slugs text[] := pgflow._flows_of(_set_children_timers.run_ids);
begin
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug)
  select clock_timestamp() + make_interval(secs => coalesce(i.delay, 0)), _set_children_timers.kind, i.flow_slug, i.run_id,
    i.step_slug
  from unnest(
    v_flow_slugs, _set_children_timers.run_ids, _set_children_timers.step_slugs, _set_children_timers.delays
  ) i(flow_slug, run_id, step_slug, delay);
  perform pgflow._notify(v_flow_slugs, null);
end;
$$;
