create function pgflow._check_array_input(flow_slug text, input jsonb)
returns void
language plpgsql
as $$
begin
  if _check_array_input.input is null then
    raise exception 'Flow % has root map steps but input is NULL', _check_array_input.flow_slug;
  end if;
  if jsonb_typeof(_check_array_input.input) <> 'array' then
    raise exception 'Flow % has root map steps but input is not an array (got %)',
      _check_array_input.flow_slug, jsonb_typeof(_check_array_input.input);
  end if;
end;
$$;
