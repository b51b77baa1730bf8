-- Of steps (pairs, with their flows) all of whose tasks have completed: the positions of the maps ('<flow_slug>.<step_slug>')
-- whose outputs are too large to be one value, with how many bytes of JSON they take. What is stored compressed takes at
-- most 255 times as much.
create function pgflow._outgrown(
  flow_slugs text[], run_ids uuid[], step_slugs text[], map_steps text[], out positions bigint[], out sizes bigint[]
)
language plpgsql
as $$
declare
  c_most constant bigint := 104857600;
begin
  select array_agg(o.position order by o.position), array_agg(o.bytes order by o.position) into positions, sizes
  from (
    select p.position, (
      select sum(octet_length(t.output::text))::bigint
      from pgflow.step_tasks t
      where t.run_id = p.run_id and t.step_slug = p.step_slug
    ) as bytes
    from unnest(_outgrown.flow_slugs, _outgrown.run_ids, _outgrown.step_slugs)
      with ordinality p(flow_slug, run_id, step_slug, position)
    where p.flow_slug || '.' || p.step_slug = any(_outgrown.map_steps) and (
      select sum(pg_column_size(t.output))
      from pgflow.step_tasks t
      where t.run_id = p.run_id and t.step_slug = p.step_slug
    ) > c_most / 255
  ) o
  where o.bytes > c_most;
end;
$$;
