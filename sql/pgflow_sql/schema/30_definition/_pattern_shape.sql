-- A pattern as a flow's shape shows it: {"defined": false} or {"defined": true, "value": ...}.
create function pgflow._pattern_shape(pattern jsonb)
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when _pattern_shape.pattern is null then jsonb_build_object('defined', false)
    else jsonb_build_object('defined', true, 'value', _pattern_shape.pattern)
  end;
$$;
