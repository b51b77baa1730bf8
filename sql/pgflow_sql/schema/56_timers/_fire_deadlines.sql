-- Ends the signal steps of these timers that nobody has answered, as their when_exhausted says.
create function pgflow._fire_deadlines(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_late record;
  v_messages text[];
  v_skipped record;
begin
  select * into v_late from pgflow._waiting_for(timer_ids);
  if v_late.run_ids is null then
    return;
  end if;
  v_messages := array(
    select format('timed out after %s s', st.options ->> 'deadline')
    from unnest(v_late.run_ids, v_late.step_slugs) with ordinality p(run_id, step_slug, position)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = p.run_id limit 1) r
    cross join lateral (
      select l.options from pgflow.steps l where l.flow_slug = r.flow_slug and l.step_slug = p.step_slug limit 1
    ) st
    order by p.position
  );
  select * into v_skipped
  from pgflow._exhaust_waits(v_late.run_ids, v_late.step_slugs, 'timed_out', v_messages);
  if v_skipped.skip_run_ids is not null then
    perform pgflow._advance(
      v_skipped.plain_flow_slugs, v_skipped.plain_run_ids, v_skipped.plain_step_slugs, null, 0, false, true, true,
      true
    );
    perform pgflow._finish_runs(v_skipped.skip_run_ids, false, true);
    perform pgflow._keep_held(v_skipped.skip_run_ids);
  end if;
  perform pgflow._notify(null, v_late.run_ids);
end;
$$;
