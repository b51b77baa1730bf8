-- Whether a JSON value is a path: an array of one or more keys.
create function pgflow._is_path(value jsonb)
returns boolean
language plpgsql
immutable
as $$
begin
  if jsonb_typeof(_is_path.value) is distinct from 'array' then
    return false;
  end if;
  return jsonb_array_length(_is_path.value) > 0
    and not exists (select 1 from jsonb_array_elements(_is_path.value) k(key) where jsonb_typeof(k.key) <> 'string');
end;
$$;
