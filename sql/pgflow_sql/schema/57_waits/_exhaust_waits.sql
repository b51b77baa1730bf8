-- Ends steps without a handler (pairs, of started runs) that got nothing, as their when_exhausted says: the first of a
-- run that fails it wins, its others are over with the run. Returns those that were skipped alone: what depends on
-- them is the caller's business, who holds the runs; and all runs that are left.
create function pgflow._exhaust_waits(
  run_ids uuid[],
  step_slugs text[],
  skip_reason text,
  error_messages text[],
  out plain_flow_slugs text[],
  out plain_run_ids uuid[],
  out plain_step_slugs text[],
  out skip_run_ids uuid[]
)
language plpgsql
as $$
declare
  v_ends record;
begin
  select
    array_agg(e.run_id) filter (where e.step_index = e.failing) as fail_run_ids,
    array_agg(e.step_slug) filter (where e.step_index = e.failing) as fail_step_slugs,
    array_agg(e.error_message) filter (where e.step_index = e.failing) as fail_messages,
    array_agg(e.run_id) filter (where e.failing is null) as skip_run_ids,
    array_agg(e.step_slug) filter (where e.failing is null) as skip_step_slugs,
    array_agg(e.error_message) filter (where e.failing is null) as skip_messages,
    array_agg(e.run_id) filter (where e.failing is null and e.when_exhausted = 'skip-cascade') as cascade_run_ids,
    array_agg(e.step_slug) filter (where e.failing is null and e.when_exhausted = 'skip-cascade') as cascade_step_slugs,
    array_agg(e.flow_slug) filter (where e.failing is null and e.when_exhausted = 'skip') as plain_flow_slugs,
    array_agg(e.run_id) filter (where e.failing is null and e.when_exhausted = 'skip') as plain_run_ids,
    array_agg(e.step_slug) filter (where e.failing is null and e.when_exhausted = 'skip') as plain_step_slugs
  into v_ends
  from (
    select p.run_id, p.step_slug, p.error_message, st.flow_slug, st.step_index, st.when_exhausted,
      min(st.step_index) filter (where st.when_exhausted = 'fail') over (partition by p.run_id) as failing
    from unnest(_exhaust_waits.run_ids, _exhaust_waits.step_slugs, _exhaust_waits.error_messages)
      p(run_id, step_slug, error_message)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = p.run_id limit 1) r
    cross join lateral (
      select * from pgflow.steps l where l.flow_slug = r.flow_slug and l.step_slug = p.step_slug limit 1
    ) st
    order by p.run_id, st.step_index
  ) e;

  if v_ends.fail_run_ids is not null then
    perform pgflow._fail_runs(v_ends.fail_run_ids, v_ends.fail_step_slugs, v_ends.fail_messages);
  end if;
  if v_ends.skip_run_ids is not null then
    perform pgflow._skip_steps(
      v_ends.skip_run_ids, v_ends.skip_step_slugs,
      array_fill(_exhaust_waits.skip_reason, array[cardinality(v_ends.skip_run_ids)]), v_ends.skip_messages
    );
    perform pgflow._force_skip(v_ends.cascade_run_ids, v_ends.cascade_step_slugs);
  end if;
  plain_flow_slugs := v_ends.plain_flow_slugs;
  plain_run_ids := v_ends.plain_run_ids;
  plain_step_slugs := v_ends.plain_step_slugs;
  skip_run_ids := v_ends.skip_run_ids;
end;
$$;
