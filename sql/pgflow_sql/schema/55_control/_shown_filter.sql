-- A filter as the trail keeps it: long texts are cut, and of an input only that it was asked for.
create function pgflow._shown_filter(filter jsonb)
returns jsonb
language plpgsql
immutable
as $$
begin
  return (
    select jsonb_object_agg(
      e.key,
      case
        when e.key = 'input_contains' then 'true'
        when jsonb_typeof(e.value) = 'string' then to_jsonb(left(e.value #>> '{}', 300))
        else e.value
      end
    )
    from jsonb_each(_shown_filter.filter) e
    where e.value <> 'null'
  );
end;
$$;
