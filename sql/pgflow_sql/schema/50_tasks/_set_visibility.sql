-- Sets the visibility of message i of queue i to clock + offset i (seconds). One statement per flow.
create function pgflow._set_visibility(flow_slugs text[], msg_ids bigint[], vt_offsets int[])
returns void
language plpgsql
as $$
declare
  v_queue record;
begin
  for v_queue in
    select m.flow_slug, array_agg(m.msg_id order by m.msg_id) as ids,
      array_agg(m.vt_offset order by m.msg_id) as offsets
    from unnest(_set_visibility.flow_slugs, _set_visibility.msg_ids, _set_visibility.vt_offsets)
      m(flow_slug, msg_id, vt_offset)
    where m.msg_id is not null
    group by m.flow_slug
    order by m.flow_slug
  loop
    perform 1 from pgflow.set_vt_batch(v_queue.flow_slug, v_queue.ids, v_queue.offsets);
  end loop;
end;
$$;
