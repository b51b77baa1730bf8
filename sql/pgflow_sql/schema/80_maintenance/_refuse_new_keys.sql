-- A key that other rows are found by stays as it is.
create function pgflow._refuse_new_keys()
returns trigger
language plpgsql
as $$
begin
  perform pgflow._raise_orphans(tg_table_name, 'given other keys');
end;
$$;
