-- Completes started steps without a handler (pairs) with these outputs; what follows is the caller's business, who
-- holds the runs.
create function pgflow._complete_waits(run_ids uuid[], step_slugs text[], outputs jsonb[])
returns void
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  update pgflow.step_states s
  set status = 'completed', completed_at = greatest(now(), s.started_at), remaining_tasks = 0, output = p.output
  from (
    select *
    from unnest(_complete_waits.run_ids, _complete_waits.step_slugs, _complete_waits.outputs)
      g(run_id, step_slug, output)
    limit v_all
  ) p
  where s.run_id = p.run_id and s.step_slug = p.step_slug;

  perform pgflow._drop_timers(_complete_waits.run_ids, _complete_waits.step_slugs);
  perform pgflow._send_events('step:completed', _complete_waits.run_ids, _complete_waits.step_slugs);
end;
$$;
