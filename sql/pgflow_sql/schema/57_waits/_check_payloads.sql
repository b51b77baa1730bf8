-- Refuses payloads that a map is to go over and cannot, and notes large ones.
create function pgflow._check_payloads(run_ids uuid[], step_slugs text[], payloads jsonb[])
returns void
language plpgsql
as $$
declare
  v_wrong record;
begin
  select g.step_slug, m.map_slug, coalesce(jsonb_typeof(g.payload), 'null') as type into v_wrong
  from unnest(_check_payloads.run_ids, _check_payloads.step_slugs, _check_payloads.payloads)
    g(run_id, step_slug, payload)
  cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = g.run_id limit 1) r
  cross join lateral (
    select d.step_slug as map_slug
    from pgflow.steps s
    join pgflow.deps d on d.flow_slug = s.flow_slug and d.dep_slug = s.step_slug
    where s.flow_slug = r.flow_slug and s.step_slug = g.step_slug and s.kind = 'signal' and d.is_array
    limit 1
  ) m
  where jsonb_typeof(g.payload) is distinct from 'array'
  limit 1;
  if found then
    raise exception 'Signal "%" takes an array, as map "%" goes over it, not %', v_wrong.step_slug, v_wrong.map_slug,
      v_wrong.type
      using errcode = 'PF011', hint = 'Send a list, which may be empty.';
  end if;

  if pg_column_size(_check_payloads.payloads) > 65536 then
    perform pgflow._note_large_values(array_agg(distinct r.flow_slug))
    from unnest(_check_payloads.run_ids, _check_payloads.payloads) g(run_id, payload)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = g.run_id limit 1) r
    where pg_column_size(g.payload) > 65536
    having count(*) > 0;
  end if;
end;
$$;
