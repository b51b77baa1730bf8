-- Marks messages of one queue as read and hides message i for offset i seconds.
create function pgflow._hide_messages(flow_slug text, msg_ids bigint[], vt_offsets int[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    $sql$
      update pgmq.%I q
      set vt = clock_timestamp() + make_interval(secs => o.vt_offset), read_ct = q.read_ct + 1
      from unnest($1, $2) o(msg_id, vt_offset)
      where q.msg_id = o.msg_id
    $sql$,
    pgflow._queue_table(_hide_messages.flow_slug, 'q')
  ) using msg_ids, vt_offsets;
end;
$$;
