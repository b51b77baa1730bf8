-- The flows of these runs, in their order.
create function pgflow._flows_of(run_ids uuid[])
returns text[]
language plpgsql
as $$
begin
  return array(
    select r.flow_slug
    from unnest(_flows_of.run_ids) with ordinality p(run_id, position)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = p.run_id limit 1) r
    order by p.position
  );
end;
$$;
