-- for: pgflow
-- Columns are listed because pgmq's message record differs between its versions.
create function pgflow.set_vt_batch(queue_name text, msg_ids bigint[], vt_offsets int[])
returns table (
  msg_id bigint, read_ct int, enqueued_at timestamptz, vt timestamptz, message jsonb, headers jsonb
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if set_vt_batch.queue_name is null or set_vt_batch.msg_ids is null or set_vt_batch.vt_offsets is null then
    return;
  end if;
  if cardinality(set_vt_batch.msg_ids) <> cardinality(set_vt_batch.vt_offsets) then
    raise exception 'msg_ids length (%) must equal vt_offsets length (%)',
      cardinality(set_vt_batch.msg_ids), cardinality(set_vt_batch.vt_offsets);
  end if;
  if cardinality(set_vt_batch.msg_ids) = 0 then
    return;
  end if;
  return query execute format(
    $sql$
      update pgmq.%I q
      set vt = clock_timestamp() + make_interval(secs => o.vt_offset)
      from unnest($1, $2) o(msg_id, vt_offset)
      where q.msg_id = o.msg_id
      returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers
    $sql$,
    pgmq.format_table_name(set_vt_batch.queue_name, 'q')
  ) using set_vt_batch.msg_ids, set_vt_batch.vt_offsets;
end;
$$;
