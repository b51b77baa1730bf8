-- Begins the runs of these timers, as a start does: conditions are judged, time-outs count from now on.
create function pgflow._fire_begins(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_all bigint;  -- see 00_model/model.sql
begin
  with begun as (
    update pgflow.runs r
    set begins_at = null, started_at = greatest(now(), r.started_at)
    from (select t.run_id from pgflow.timers t where t.timer_id = any(timer_ids) limit v_all) d
    where r.run_id = d.run_id and r.status = 'started' and r.begins_at is not null
    returning r.run_id
  )
  select array_agg(b.run_id order by b.run_id) into v_run_ids from begun b;
  if v_run_ids is null then
    return;
  end if;
  perform pgflow._send_events('run:started', v_run_ids);
  perform pgflow._set_run_timeouts(v_run_ids);
  perform pgflow._start_ready(v_run_ids, array_fill(0::double precision, array[cardinality(v_run_ids)]));
  perform pgflow._keep_held(v_run_ids);
  perform pgflow._notify(null, v_run_ids);
end;
$$;
