-- The value at a path, an array of keys; null where there is none.
create function pgflow._value_at(path jsonb, value jsonb)
returns jsonb
language sql
immutable
as $$
  select _value_at.value #> array(
    select k.key from jsonb_array_elements_text(_value_at.path) with ordinality k(key, position) order by k.position
  );
$$;
