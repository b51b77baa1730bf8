-- Keys of the tasks that requeue_stalled_tasks has given up on and nobody has ended yet.
create function pgflow._permanently_stalled(out run_ids uuid[], out step_slugs text[], out task_indexes int[])
language plpgsql
as $$
begin
  select array_agg(t.run_id), array_agg(t.step_slug), array_agg(t.task_index)
  into run_ids, step_slugs, task_indexes
  from pgflow.step_tasks t
  where t.permanently_stalled_at is not null and t.status = 'started';
end;
$$;
