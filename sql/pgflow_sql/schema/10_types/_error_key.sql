-- What failures have in common: the first line of a message, its ids and numbers made the same.
create function pgflow._error_key(error_message text)
returns text
language sql
immutable
as $$
  select regexp_replace(
    left(split_part(_error_key.error_message, E'\n', 1), 300),
    '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+', '#', 'gi'
  );
$$;
