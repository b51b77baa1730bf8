-- Deletes messages of all flows that were archived before the cutoff.
create function pgflow._prune_archives(cutoff timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
begin
  for v_flow_slug in select f.flow_slug from pgflow.flows f order by f.flow_slug loop
    if to_regclass(format('pgmq.%I', pgflow._queue_table(v_flow_slug, 'a'))) is not null then
      execute format('delete from pgmq.%I a where a.archived_at < $1', pgflow._queue_table(v_flow_slug, 'a'))
        using cutoff;
    end if;
  end loop;
end;
$$;
