create function pgflow._drop_queue_functions()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    $sql$
      drop function if exists pgflow.%I(uuid[], text[], int[], int, text[], int[], int[]);
      drop function if exists pgflow.%I(int, bigint, int);
      drop function if exists pgflow.%I(bigint[]);
    $sql$,
    '_send:' || old.flow_slug, '_read:' || old.flow_slug, '_archive:' || old.flow_slug
  );
  return null;
end;
$$;
