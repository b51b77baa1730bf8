-- for: worker
-- Runs whose tasks recovery would give back, but that another transaction holds: some of them, one caller at a time.
create function pgflow.stuck_runs()
returns setof uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
  v_dead_ids uuid[];
  v_found record;
  v_run_ids uuid[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('pgflow.stuck', 0)) then
    return;
  end if;
  for v_flow_slug in
    select f.flow_slug
    from pgflow.flows f
    where exists (select 1 from pgflow.workers w where w.queue_name = f.flow_slug)
    order by random()
  loop
    select array_agg(w.worker_id) into v_dead_ids
    from pgflow.workers w
    where w.queue_name = v_flow_slug
      and w.beats
      and w.recovered_at is null
      and (w.stopped_at is not null or w.died_at is not null);
    select * into v_found from pgflow._find_stalled(v_flow_slug, v_dead_ids, 100);
    v_run_ids := v_run_ids || v_found.run_ids;
    exit when cardinality(v_run_ids) >= 100;
  end loop;
  return query select * from pgflow.locked_runs(v_run_ids);
end;
$$;
