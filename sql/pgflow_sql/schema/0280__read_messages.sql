-- Reads up to max_count visible messages of one queue, oldest id first, skipping locked ones and those up to
-- after_msg_id, and hides them for so many seconds. Whatever is not the message of a task has null keys.
create function pgflow._read_messages(
  flow_slug text,
  max_count int,
  after_msg_id bigint,
  vt_offset int,
  out msg_ids bigint[],
  out run_ids uuid[],
  out step_slugs text[],
  out task_indexes int[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages jsonb[];
begin
  -- planned at each call: as little as possible in it
  execute format(
    $sql$
      with visible as (
        select q.msg_id
        from pgmq.%1$I q
        where q.vt <= clock_timestamp() and q.msg_id > $2
        order by q.msg_id
        limit $1
        for update skip locked
      ),
      hidden as (
        update pgmq.%1$I q
        set vt = clock_timestamp() + $3 * interval '1 second', read_ct = q.read_ct + 1
        from visible v
        where q.msg_id = v.msg_id
        returning q.msg_id, q.message
      )
      select array_agg(h.msg_id order by h.msg_id), array_agg(h.message order by h.msg_id) from hidden h
    $sql$,
    pgflow._queue_table(_read_messages.flow_slug, 'q')
  ) into msg_ids, v_messages using max_count, after_msg_id, vt_offset;

  select
    array_agg(case when m.ours then (m.message ->> 'run_id')::uuid end),
    array_agg(case when m.ours then m.message ->> 'step_slug' end),
    array_agg(case when m.ours then (m.message ->> 'task_index')::int end)
  into run_ids, step_slugs, task_indexes
  from (
    select u.message, pgflow._is_task_message(u.message) as ours
    from unnest(v_messages) with ordinality u(message, position)
    order by u.position
  ) m;
end;
$$;
