-- Keys of the tasks that requeue_stalled_tasks has given up on and nobody has ended yet, at most max_tasks.
create function pgflow._given_up(
  max_tasks int, out run_ids uuid[], out step_slugs text[], out task_indexes int[]
)
language plpgsql
as $$
begin
  select array_agg(s.run_id), array_agg(s.step_slug), array_agg(s.task_index)
  into run_ids, step_slugs, task_indexes
  from (
    select t.run_id, t.step_slug, t.task_index
    from pgflow.step_tasks t
    where t.permanently_stalled_at is not null and t.status = 'started'
    limit _given_up.max_tasks
  ) s;
end;
$$;
