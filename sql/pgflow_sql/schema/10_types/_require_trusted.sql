-- Refuses to go on where a schema that is about to be used has been taken by somebody else.
create function pgflow._require_trusted(schema_name text)
returns void
language plpgsql
stable
as $$
begin
  if to_regnamespace(_require_trusted.schema_name) is not null
    and not pgflow._is_trusted(_require_trusted.schema_name)
  then
    raise exception 'the schema % belongs to somebody who may not act as %', schema_name, current_user
      using hint = 'pgflow-gen doctor says whose it is and what to do';
  end if;
end;
$$;
