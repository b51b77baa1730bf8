-- Completes ready steps without tasks (pairs, of started runs) and releases their dependents; returns those
-- that became ready.
create function pgflow._complete_taskless(
  run_ids uuid[], step_slugs text[], out ready_run_ids uuid[], out ready_step_slugs text[]
)
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  update pgflow.step_states s
  set status = 'completed',
      started_at = greatest(now(), s.created_at),
      completed_at = greatest(now(), s.created_at),
      remaining_tasks = 0,
      output = (
        select '[]'::jsonb
        from pgflow.steps st
        where st.flow_slug = s.flow_slug and st.step_slug = s.step_slug and st.step_type = 'map'
      )
  from (
    select *
    from unnest(_complete_taskless.run_ids, _complete_taskless.step_slugs) g(run_id, step_slug)
    limit v_all
  ) p
  where s.run_id = p.run_id and s.step_slug = p.step_slug;

  update pgflow.runs r
  set remaining_steps = r.remaining_steps - c.step_count
  from (
    select p.run_id, count(*)::int as step_count
    from unnest(_complete_taskless.run_ids) p(run_id)
    group by p.run_id
    limit v_all
  ) c
  where r.run_id = c.run_id;

  perform pgflow._send_events('step:completed', _complete_taskless.run_ids, _complete_taskless.step_slugs);

  select d.ready_run_ids, d.ready_step_slugs into ready_run_ids, ready_step_slugs
  from pgflow._release_dependents(
    pgflow._flows_of(_complete_taskless.run_ids), _complete_taskless.run_ids, _complete_taskless.step_slugs,
    null, false, null
  ) d;
end;
$$;
