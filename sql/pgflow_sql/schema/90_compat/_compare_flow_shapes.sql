-- What differs between two shapes, in words; an empty array if nothing does. Options are not compared.
create function pgflow._compare_flow_shapes(p_local jsonb, p_db jsonb)
returns text[]
language plpgsql
immutable
as $$
declare
  v_local jsonb := coalesce(p_local -> 'steps', '[]');
  v_db jsonb := coalesce(p_db -> 'steps', '[]');
begin
  return array(
    select d.text
    from (
      select -1 as index, 0 as part,
        format('Step count differs: %s vs %s', jsonb_array_length(v_local), jsonb_array_length(v_db)) as text
      where jsonb_array_length(v_local) <> jsonb_array_length(v_db)
      union all
      select i.index, p.part, p.text
      from generate_series(0, greatest(jsonb_array_length(v_local), jsonb_array_length(v_db)) - 1) i(index)
      cross join lateral pgflow._compare_step_shapes(i.index, v_local -> i.index, v_db -> i.index) p
    ) d
    order by d.index, d.part
  );
end;
$$;
