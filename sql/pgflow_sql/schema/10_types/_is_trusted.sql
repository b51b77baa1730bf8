-- Whether what is in a schema may run with our rights: its owner could act as us anyway. Whoever may create
-- schemas can take a name that we look for, and not only before we came.
create function pgflow._is_trusted(schema_name text)
returns boolean
language sql
stable
as $$
  select coalesce(
    (
      select pg_has_role(n.nspowner, current_user, 'member')
      from pg_namespace n
      where n.nspname = _is_trusted.schema_name
    ),
    false
  );
$$;
