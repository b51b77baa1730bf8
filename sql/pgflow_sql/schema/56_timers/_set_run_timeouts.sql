-- Starts the time-outs of runs that have begun, those whose flows have one: afresh, from now on, or delays[i] seconds later where run i
-- goes on no sooner. Callers hold the runs, or have just made them.
create function pgflow._set_run_timeouts(run_ids uuid[], delays double precision[] default null)
returns void
language plpgsql
as $$
begin
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload)
  select clock_timestamp() + make_interval(secs => p.run_timeout + coalesce(i.delay, 0)), 'run_timeout', r.flow_slug, r.run_id,
    jsonb_build_object('seconds', p.run_timeout)
  from unnest(_set_run_timeouts.run_ids, _set_run_timeouts.delays) i(run_id, delay)
  cross join lateral (select l.flow_slug, l.run_id from pgflow.runs l where l.run_id = i.run_id and l.begins_at is null limit 1) r
  cross join lateral (
    select l.run_timeout from pgflow.prepared_flows l where l.flow_slug = r.flow_slug limit 1
  ) p
  where p.run_timeout is not null;
end;
$$;
