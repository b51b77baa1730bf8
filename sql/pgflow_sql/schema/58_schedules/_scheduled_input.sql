-- The input of a run that a schedule starts: with the date and the time of the fire where they belong.
create function pgflow._scheduled_input(spec jsonb, input jsonb, fire_at timestamptz)
returns jsonb
language plpgsql
stable
as $$
declare
  v_input jsonb := input;
  v_place record;
begin
  for v_place in
    select array(select k.key from jsonb_array_elements_text(p.path) k(key)) as path, t.value
    from (values
      ('dates', to_char(fire_at at time zone (spec ->> 'timezone'), 'YYYY-MM-DD')),
      ('times', to_char(fire_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    ) t(key, value)
    cross join lateral jsonb_array_elements(coalesce(spec -> t.key, '[]')) p(path)
  loop
    v_input := case
      when v_place.path = '{}' then to_jsonb(v_place.value)
      else jsonb_set(v_input, v_place.path, to_jsonb(v_place.value))
    end;
  end loop;
  return v_input;
end;
$$;
