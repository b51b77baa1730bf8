-- Starts what follows the ends of these timers' runs: the undo, if there is something to undo; else, or when the undo has
-- ended, the ends. An undo waits until all children of its run have ended, as they are being cancelled, and until their own
-- undos have: what they did rests on what is undone here. It is told when that is so (_fire_ended_children), and looks by
-- itself now and then. Callers hold the runs.
create function pgflow._fire_companions(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_timer record;
  v_run pgflow.runs;
  v_options jsonb;
  v_waited interval;
begin
  for v_timer in
    select t.run_id, t.payload, (t.payload ->> 'number')::int as number, t.payload ->> 'undone' as undone
    from pgflow.timers t
    where t.timer_id = any(timer_ids)
    order by t.due_at, t.timer_id
  loop
    select r.* into v_run from pgflow.runs r where r.run_id = v_timer.run_id and r.status <> 'started';
    continue when not found;
    select f.options into v_options from pgflow.flows f where f.flow_slug = v_run.flow_slug;
    if v_timer.undone is null and v_run.status <> 'completed' and v_options ? 'undo' then
      if pgflow._has_open_children(v_run.run_id) then
        v_waited := clock_timestamp() - coalesce(v_run.failed_at, v_run.cancelled_at);
        insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload)
        values (
          clock_timestamp() + greatest(interval '200 milliseconds', least(v_waited / 5, interval '10 minutes')),
          'companions', v_run.flow_slug, v_run.run_id, v_timer.payload || '{"waits_for": "children"}'
        );
        continue;
      end if;
      continue when pgflow._start_undo(v_run, v_timer.number, v_options -> 'undo');
    end if;
    perform pgflow._note_undone(v_run);
    perform pgflow._start_companion(
      e.slug, 'end', v_run, v_timer.number, e.rule,
      pgflow._step_outputs(v_run.run_id, coalesce(e.rule -> 'steps', '[]')), coalesce(v_timer.undone, 'nothing')
    )
    from jsonb_each(v_options -> 'ends') e(slug, rule)
    where e.rule ->> 'on' in (v_run.status, 'always');
  end loop;
end;
$$;
