-- Skips everything that depends on the given steps (pairs), directly or not, and with reasons also these
-- themselves: reason i for pair i, 'dependency_skipped' for the rest. The recursion walks steps, not paths
-- (union removes duplicates), so stacked diamonds stay linear. remaining_deps stay as they are: whatever
-- could still count on them is skipped too. Returns the number skipped.
create function pgflow._force_skip(run_ids uuid[], step_slugs text[], reasons text[] default null)
returns int
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_step_slugs text[];
  v_reasons text[];
begin
  with recursive doomed(run_id, flow_slug, step_slug) as (
    select p.run_id, r.flow_slug, p.step_slug
    from unnest(_force_skip.run_ids, _force_skip.step_slugs) p(run_id, step_slug)
    join pgflow.runs r on r.run_id = p.run_id
    union
    select d.run_id, d.flow_slug, dep.step_slug
    from doomed d
    join pgflow.deps dep on dep.flow_slug = d.flow_slug and dep.dep_slug = d.step_slug
  ),
  reached as (
    -- the first pairs may themselves be dependents of one another; their own reason wins
    select d.run_id, d.flow_slug, d.step_slug,
      (select g.reason
       from unnest(_force_skip.run_ids, _force_skip.step_slugs, _force_skip.reasons)
         g(run_id, step_slug, reason)
       where g.run_id = d.run_id and g.step_slug = d.step_slug
       limit 1) as reason,
      exists (
        select 1
        from unnest(_force_skip.run_ids, _force_skip.step_slugs) g(run_id, step_slug)
        where g.run_id = d.run_id and g.step_slug = d.step_slug
      ) as given
    from doomed d
  )
  select
    array_agg(d.run_id order by d.run_id, st.step_index),
    array_agg(d.step_slug order by d.run_id, st.step_index),
    array_agg(coalesce(d.reason, 'dependency_skipped') order by d.run_id, st.step_index)
  into v_run_ids, v_step_slugs, v_reasons
  from reached d
  join pgflow.steps st on st.flow_slug = d.flow_slug and st.step_slug = d.step_slug
  where _force_skip.reasons is not null or not d.given;

  return pgflow._skip_steps(v_run_ids, v_step_slugs, v_reasons);
end;
$$;
