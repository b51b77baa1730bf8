-- Keys of tasks that seem to be stalled, judged without locks: of a flow's started tasks those whose time is over
-- (they are the first whose messages become visible again, so a few thousand are looked at, however many are under
-- way) and those of its dead workers, for whose sake all are looked at. At most max_tasks.
create function pgflow._find_stalled(
  flow_slug text, dead_ids uuid[], max_tasks int, out run_ids uuid[], out step_slugs text[], out task_indexes int[]
)
language plpgsql
as $$
declare
  v_slugs text[];
  v_timeouts int[];
begin
  select p.step_slugs, p.timeouts into v_slugs, v_timeouts
  from pgflow.prepared_flows p
  where p.flow_slug = _find_stalled.flow_slug;

  select array_agg(s.run_id), array_agg(s.step_slug), array_agg(s.task_index)
  into run_ids, step_slugs, task_indexes
  from (
    select d.run_id, d.step_slug, d.task_index
    from pgflow._delivered_tasks(
      _find_stalled.flow_slug, case when _find_stalled.dead_ids is null then 2 * _find_stalled.max_tasks end
    ) d
    where d.worker_id = any(_find_stalled.dead_ids)
      or d.is_given_up
      or d.started_at
        < now() - make_interval(secs => v_timeouts[array_position(v_slugs, d.step_slug)] + 30)
    limit _find_stalled.max_tasks
  ) s;
end;
$$;
