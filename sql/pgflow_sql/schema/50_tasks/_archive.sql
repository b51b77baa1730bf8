-- Archives message i of queue i; ids no longer in their queue are left out. One statement per flow.
create function pgflow._archive(flow_slugs text[], msg_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
  v_msg_ids bigint[] := msg_ids;
begin
  foreach v_flow_slug in array pgflow._distinct(_archive.flow_slugs) loop
    if v_flow_slug <> any(_archive.flow_slugs) then
      v_msg_ids := array(
        select m.msg_id
        from unnest(_archive.flow_slugs, _archive.msg_ids) m(flow_slug, msg_id)
        where m.flow_slug = v_flow_slug
      );
    end if;
    execute format('select pgflow.%I($1)', '_archive:' || v_flow_slug) using v_msg_ids;
  end loop;
end;
$$;
