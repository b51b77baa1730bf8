-- for: worker
-- The sessions whose transactions hold these runs, by their process ids. What becomes of a session is for the
-- caller to decide, with the caller's own rights.
create function pgflow.lock_holders(run_ids uuid[])
returns setof int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_holder xid;
  v_holders xid[];
begin
  for v_holder in
    select distinct r.xmax::text::xid
    from pgflow.runs r
    where r.run_id = any(array(select * from pgflow.locked_runs(lock_holders.run_ids))) and r.xmax <> 0
  loop
    v_holders := v_holders || v_holder;
    -- several transactions that share a row are told by a number of their own, which looks like one of theirs
    begin
      v_holders := v_holders || array(
        select m.xid from pg_get_multixact_members(v_holder) m where m.mode <> 'keysh'
      );
    exception when others then
      null;
    end;
  end loop;
  return query
  select distinct l.pid
  from pg_locks l
  where l.locktype = 'transactionid' and l.granted and l.mode = 'ExclusiveLock'
    and l.transactionid = any(v_holders) and l.pid <> pg_backend_pid();
end;
$$;
