-- Deletes messages that were archived before the cutoff: of each flow up to max_messages, null for all. Those
-- that another pruner is at are left to it: two of them would delete in different orders and deadlock.
create function pgflow._prune_archives(cutoff timestamptz, max_messages int)
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
begin
  for v_flow_slug in select f.flow_slug from pgflow.flows f order by f.flow_slug loop
    if to_regclass(format('pgmq.%I', pgflow._queue_table(v_flow_slug, 'a'))) is not null then
      execute format(
        $sql$
          delete from pgmq.%1$I d
          where d.msg_id = any(array(
            select a.msg_id from pgmq.%1$I a where a.archived_at < $1 order by a.archived_at limit $2
            for update skip locked
          ))
        $sql$,
        pgflow._queue_table(v_flow_slug, 'a')
      ) using cutoff, max_messages;
    end if;
  end loop;
end;
$$;
