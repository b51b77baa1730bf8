-- Those of these runs whose flows say that something follows their ends; null: none.
create function pgflow._runs_with_ends(run_ids uuid[])
returns uuid[]
language plpgsql
as $$
begin
  return (
    select array_agg(i.run_id)
    from unnest(_runs_with_ends.run_ids) i(run_id)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select l.has_ends from pgflow.prepared_flows l where l.flow_slug = r.flow_slug limit 1
    ) p
    where p.has_ends
  );
end;
$$;
