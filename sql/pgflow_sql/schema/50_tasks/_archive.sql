-- Archives message i of queue i; ids no longer in their queue are left out. One statement per flow.
create function pgflow._archive(flow_slugs text[], msg_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
begin
  foreach v_flow_slug in array pgflow._distinct(_archive.flow_slugs) loop
    execute format('select pgflow.%I($1)', '_archive:' || v_flow_slug)
    using case
      when v_flow_slug = all(_archive.flow_slugs) then _archive.msg_ids
      else array(
        select m.msg_id
        from unnest(_archive.flow_slugs, _archive.msg_ids) m(flow_slug, msg_id)
        where m.flow_slug = v_flow_slug
      )
    end;
  end loop;
end;
$$;
