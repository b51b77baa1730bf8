-- Locks up to max_count visible messages of one queue, oldest id first, skipping locked ones and those up to
-- after_msg_id. Their visibility is set later, once it is known what becomes of them.
create function pgflow._read_messages(
  flow_slug text,
  max_count int,
  after_msg_id bigint,
  out msg_ids bigint[],
  out run_ids uuid[],
  out step_slugs text[],
  out task_indexes int[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    $sql$
      select array_agg(m.msg_id),
        array_agg(case when m.ours then (m.message ->> 'run_id')::uuid end),
        array_agg(case when m.ours then m.message ->> 'step_slug' end),
        array_agg(case when m.ours then (m.message ->> 'task_index')::int end)
      from (
        select q.msg_id, q.message, pgflow._is_task_message(q.message) as ours
        from pgmq.%I q
        where q.vt <= clock_timestamp() and q.msg_id > $2
        order by q.msg_id
        limit $1
        for update skip locked
      ) m
    $sql$,
    pgflow._queue_table(_read_messages.flow_slug, 'q')
  ) into msg_ids, run_ids, step_slugs, task_indexes using max_count, after_msg_id;
end;
$$;
