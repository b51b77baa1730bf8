-- Fails the started runs of these timers. No step fails: what was open when its run ended is over with it.
create function pgflow._fire_run_timeouts(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_all bigint;  -- see 00_model/model.sql
begin
  with failed as (
    update pgflow.runs r
    set status = 'failed',
        failed_at = greatest(now(), r.started_at),
        error_message = format('timed out after %s s', d.payload ->> 'seconds')
    from (select t.run_id, t.payload from pgflow.timers t where t.timer_id = any(timer_ids) limit v_all) d
    where r.run_id = d.run_id and r.status = 'started'
    returning r.run_id
  )
  select array_agg(f.run_id order by f.run_id) into v_run_ids from failed f;
  if v_run_ids is null then
    return;
  end if;
  perform pgflow._send_events('run:failed', v_run_ids);
  perform pgflow._archive_open_tasks(v_run_ids);
  perform pgflow._note_ends(v_run_ids);
  perform pgflow._notify(null, v_run_ids);
end;
$$;
