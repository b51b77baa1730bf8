-- _finish_runs for flows that have carried large values: a run whose outputs cannot be put together, as PostgreSQL holds
-- 256 MB in one value, fails. Only where there is one are they taken run by run. Callers hold the run locks.
create function pgflow._finish_large_runs(run_ids uuid[], count_steps boolean, has_timeouts boolean)
returns void
language plpgsql
as $$
declare
  v_run record;
begin
  begin
    perform pgflow._finish_runs(_finish_large_runs.run_ids, _finish_large_runs.count_steps, false, has_timeouts);
    return;
  exception when others then
    if pgflow._is_passing(sqlstate) then
      raise;
    end if;
  end;

  for v_run in
    select l.run_id, array_agg(l.run_id) as run_ids
    from unnest(_finish_large_runs.run_ids) l(run_id)
    group by l.run_id
    order by l.run_id
  loop
    begin
      perform pgflow._finish_runs(v_run.run_ids, _finish_large_runs.count_steps, false, has_timeouts);
    exception when others then
      if pgflow._is_passing(sqlstate) then
        raise;
      end if;
      update pgflow.runs r
      set status = 'failed',
          failed_at = greatest(now(), r.started_at),
          remaining_steps = 0,
          error_message = format(
            'OutputTooLarge: the outputs of the run''s last steps cannot be put together: %s (%s). Store large data '
              || 'elsewhere and hand over where it is.', sqlerrm, sqlstate
          )
      where r.run_id = v_run.run_id;
      perform pgflow._send_events('run:failed', array[v_run.run_id]);
      perform pgflow._drop_timers(array[v_run.run_id]);
      perform pgflow._note_ends(array[v_run.run_id]);
    end;
  end loop;
end;
$$;
