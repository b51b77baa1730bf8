-- Whether a JSON value is a whole number within bounds; never raises.
create function pgflow._is_whole(value jsonb, lowest int, highest int)
returns boolean
language plpgsql
immutable
as $$
begin
  if jsonb_typeof(_is_whole.value) is distinct from 'number' then
    return false;
  end if;
  return (_is_whole.value #>> '{}')::numeric between lowest and highest
    and (_is_whole.value #>> '{}')::numeric = floor((_is_whole.value #>> '{}')::numeric);
end;
$$;
