-- The time so long ago; where PostgreSQL has none that early or late, before or after all others. null: null.
create function pgflow._ago(span interval)
returns timestamptz
language plpgsql
stable
as $$
begin
  return now() - _ago.span;
exception when data_exception then
  return case when _ago.span > interval '0' then '-infinity'::timestamptz else 'infinity'::timestamptz end;
end;
$$;
