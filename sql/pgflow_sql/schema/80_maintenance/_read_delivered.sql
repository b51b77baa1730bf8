-- Keys of the tasks whose messages in one queue have been delivered, or are hidden for another reason. Finds
-- started tasks without an index on their status, which would cost every update: open tasks have a message,
-- finished ones have none.
create function pgflow._read_delivered(
  flow_slug text, out run_ids uuid[], out step_slugs text[], out task_indexes int[]
)
language plpgsql
as $$
begin
  execute format(
    $sql$
      select array_agg((q.message ->> 'run_id')::uuid), array_agg(q.message ->> 'step_slug'),
        array_agg((q.message ->> 'task_index')::int)
      from pgmq.%I q
      where (q.read_ct > 0 or q.vt > clock_timestamp()) and pgflow._is_task_message(q.message)
    $sql$,
    pgflow._queue_table(_read_delivered.flow_slug, 'q')
  ) into run_ids, step_slugs, task_indexes;
end;
$$;
