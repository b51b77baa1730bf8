-- for: pgflow
-- 'run' is reserved: it names the run itself among the keys of older inputs and event topics.
create function pgflow.is_valid_slug(slug text)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    length(is_valid_slug.slug) <= 128
      and is_valid_slug.slug ~ '^[a-zA-Z_][a-zA-Z0-9_]*$' collate "C"  -- ASCII only, whatever the locale folds
      and is_valid_slug.slug <> 'run',
    false
  );
$$;
