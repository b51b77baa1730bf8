-- Archives message i of queue i; ids no longer in their queue are left out. One call to pgmq per flow.
create function pgflow._archive(flow_slugs text[], msg_ids bigint[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue record;
begin
  if _archive.flow_slugs[1] = all(_archive.flow_slugs) then
    perform 1 from pgmq.archive(_archive.flow_slugs[1], _archive.msg_ids);
    return;
  end if;
  for v_queue in
    select m.flow_slug, array_agg(m.msg_id order by m.msg_id) as ids
    from unnest(_archive.flow_slugs, _archive.msg_ids) m(flow_slug, msg_id)
    where m.msg_id is not null
    group by m.flow_slug
    order by m.flow_slug
  loop
    perform 1 from pgmq.archive(v_queue.flow_slug, v_queue.ids);
  end loop;
end;
$$;
