-- for: worker
-- Called by workers from time to time: gives the tasks of dead workers, and those that ran far beyond their
-- timeout, back to the queues; ends those that stalled for good as failed (reason 'stalled', by when_exhausted),
-- also those that requeue_stalled_tasks left behind. Returns how many were requeued.
--
-- One caller at a time does it, others return at once. It judges without locks, locks what is stalled and nothing
-- else, at most a thousand tasks a call, and what waits costs it nothing.
create function pgflow.recover_stalled_tasks()
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_tasks int := 1000;
  v_flow_slug text;
  v_flow_dead_ids uuid[];
  v_dead_ids uuid[];  -- of all flows looked at
  v_bare_ids uuid[];  -- of these those that hold no task
  v_found record;
  v_stalled record;
  v_hopeless record;
  v_requeued_count int;
  v_run_ids uuid[];
  v_step_slugs text[];
  v_task_indexes int[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('pgflow.recover', 0)) then
    return 0;
  end if;

  delete from pgflow.announcements a
  where a.ctid = any(array(
    select o.ctid
    from pgflow.announcements o
    where o.valid_until < clock_timestamp() - interval '1 minute'
    limit 1000
    for update skip locked
  ));

  select * into v_found from pgflow._given_up(v_max_tasks);
  v_run_ids := v_found.run_ids;
  v_step_slugs := v_found.step_slugs;
  v_task_indexes := v_found.task_indexes;

  -- in a random order, so that none starves when there is more to do than one call may
  for v_flow_slug in
    select f.flow_slug
    from pgflow.flows f
    where exists (select 1 from pgflow.workers w where w.queue_name = f.flow_slug)
    order by random()
  loop
    exit when cardinality(v_run_ids) >= v_max_tasks;
    v_flow_dead_ids := pgflow._bury_workers(v_flow_slug);
    select * into v_found
    from pgflow._find_stalled(
      v_flow_slug, v_flow_dead_ids, v_max_tasks - coalesce(cardinality(v_run_ids), 0)
    );
    v_dead_ids := v_dead_ids || v_flow_dead_ids;
    if v_found.run_ids is null then
      v_bare_ids := v_bare_ids || v_flow_dead_ids;
    end if;
    v_run_ids := v_run_ids || v_found.run_ids;
    v_step_slugs := v_step_slugs || v_found.step_slugs;
    v_task_indexes := v_task_indexes || v_found.task_indexes;
  end loop;

  select * into v_stalled from pgflow._lock_stalled(v_dead_ids, v_run_ids, v_step_slugs, v_task_indexes);
  v_requeued_count := pgflow._requeue(
    v_dead_ids, true, v_stalled.stalled_run_ids, v_stalled.stalled_step_slugs, v_stalled.stalled_task_indexes
  );

  -- A minute after their end no call of theirs is under way either: nobody need look for their tasks again.
  if v_bare_ids is not null then
    update pgflow.workers w
    set recovered_at = now()
    where w.worker_id = any(v_bare_ids) and coalesce(w.stopped_at, w.died_at) < now() - interval '1 minute';
  end if;

  select
    array_agg(t.run_id) as run_ids, array_agg(t.step_slug) as step_slugs,
    array_agg(t.task_index) as task_indexes, count(*)::int as task_count
  into v_hopeless
  from unnest(v_stalled.stalled_run_ids, v_stalled.stalled_step_slugs, v_stalled.stalled_task_indexes)
    k(run_id, step_slug, task_index)
  cross join lateral (
    select l.permanently_stalled_at, l.run_id, l.step_slug, l.task_index
    from pgflow.step_tasks l
    where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
    limit 1
  ) t
  where t.permanently_stalled_at is not null;
  if v_hopeless.task_count > 0 then
    perform 1 from pgflow._fail(
      array_fill(null::uuid, array[v_hopeless.task_count]),
      v_hopeless.run_ids, v_hopeless.step_slugs, v_hopeless.task_indexes,
      array_fill(null::int, array[v_hopeless.task_count]),
      array_fill('stalled'::text, array[v_hopeless.task_count]),
      array_fill(false, array[v_hopeless.task_count]), null, false
    );
  end if;
  return v_requeued_count;
end;
$$;
