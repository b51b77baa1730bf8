-- Sends a message per task to the queue of its flow, in the order given; returns their ids. Message i becomes
-- visible after vt_offsets[i] seconds; one that is handed over at once counts as read.
create function pgflow._send_messages(
  flow_slug text, run_ids uuid[], step_slugs text[], task_indexes int[], handed boolean[], vt_offsets int[]
)
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_msg_ids bigint[];
begin
  execute format(
    $sql$
      with sent as (
        insert into pgmq.%I (read_ct, vt, message)
        select m.handed::int, $6 + m.vt_offset * interval '1 second',
          jsonb_build_object(
            'flow_slug', $7, 'run_id', m.run_id, 'step_slug', m.step_slug, 'task_index', m.task_index)
        from unnest($1, $2, $3, $4, $5) with ordinality
          m(run_id, step_slug, task_index, handed, vt_offset, position)
        order by m.position
        returning msg_id
      )
      select array_agg(s.msg_id order by s.msg_id) from sent s
    $sql$,
    pgflow._queue_table(_send_messages.flow_slug, 'q')
  ) into v_msg_ids using run_ids, step_slugs, task_indexes, handed, vt_offsets, clock_timestamp(),
    _send_messages.flow_slug;
  return v_msg_ids;
end;
$$;
