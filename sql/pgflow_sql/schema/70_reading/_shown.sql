-- A value's JSON as a page shows it: at most max_chars characters of it; null where it takes more than max_bytes
-- bytes as it is stored, or cannot be written out at all. An error would take the whole reading with it.
create function pgflow._shown(value jsonb, max_bytes int, max_chars int)
returns text
language plpgsql
stable
as $$
begin
  if _shown.value is null then
    return 'null';
  end if;
  if pg_column_size(_shown.value) > max_bytes then
    return null;
  end if;
  return left(_shown.value::text, greatest(max_chars, 0));
exception when others then
  if pgflow._is_passing(sqlstate) then
    raise;
  end if;
  return null;
end;
$$;
