-- Gives message i of queue i back to its queue, visible after delays[i] seconds. It counts as unread then: what has
-- been read is delivered, and that is where recovery looks. One statement per flow.
create function pgflow._send_back(flow_slugs text[], msg_ids bigint[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_queue record;
begin
  for v_queue in
    select m.flow_slug, array_agg(m.msg_id order by m.msg_id) as ids,
      array_agg(m.delay order by m.msg_id) as delays
    from unnest(_send_back.flow_slugs, _send_back.msg_ids, _send_back.delays) m(flow_slug, msg_id, delay)
    where m.msg_id is not null
    group by m.flow_slug
    order by m.flow_slug
  loop
    execute format(
      $sql$
        update pgmq.%I q
        set vt = clock_timestamp() + make_interval(secs => m.delay), read_ct = 0
        from unnest($1, $2) m(msg_id, delay)
        where q.msg_id = m.msg_id
      $sql$,
      pgflow._queue_table(v_queue.flow_slug, 'q')
    ) using v_queue.ids, v_queue.delays;
  end loop;
end;
$$;
