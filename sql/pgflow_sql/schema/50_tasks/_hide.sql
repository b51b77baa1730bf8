-- Hides message i of queue i for so many seconds from now on: its task is started.
create function pgflow._hide(flow_slugs text[], msg_ids bigint[], seconds int[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
begin
  foreach v_flow_slug in array pgflow._distinct(_hide.flow_slugs) loop
    perform 1
    from (
      select array_agg(g.msg_id) as msg_ids, array_agg(g.seconds) as seconds
      from unnest(_hide.flow_slugs, _hide.msg_ids, _hide.seconds) g(flow_slug, msg_id, seconds)
      where g.flow_slug = v_flow_slug
    ) m
    cross join lateral pgflow.set_vt_batch(v_flow_slug, m.msg_ids, m.seconds);
  end loop;
end;
$$;
