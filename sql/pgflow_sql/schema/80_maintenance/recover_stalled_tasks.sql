-- for: worker
-- Called by workers from time to time: gives the tasks of dead workers, and those that ran far beyond their
-- timeout, back to the queues; ends those that stalled for the fourth time as failed (reason 'stalled', by
-- when_exhausted), also those that requeue_stalled_tasks left behind. Returns how many were requeued.
create function pgflow.recover_stalled_tasks()
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
  v_open record;
  v_stalled record;
  v_hopeless record;
  v_requeued_count int;
  v_run_ids uuid[];
  v_step_slugs text[];
  v_task_indexes int[];
begin
  delete from pgflow.announcements a where a.valid_until < clock_timestamp() - interval '1 minute';

  for v_flow_slug in
    select f.flow_slug
    from pgflow.flows f
    where exists (select 1 from pgflow.workers w where w.queue_name = f.flow_slug)
  loop
    select * into v_open from pgflow._read_delivered(v_flow_slug);
    v_run_ids := v_run_ids || v_open.run_ids;
    v_step_slugs := v_step_slugs || v_open.step_slugs;
    v_task_indexes := v_task_indexes || v_open.task_indexes;
  end loop;

  select * into v_open from pgflow._permanently_stalled();
  v_run_ids := v_run_ids || v_open.run_ids;
  v_step_slugs := v_step_slugs || v_open.step_slugs;
  v_task_indexes := v_task_indexes || v_open.task_indexes;

  select * into v_stalled from pgflow._lock_stalled(true, v_run_ids, v_step_slugs, v_task_indexes);
  v_requeued_count := pgflow._requeue(
    v_stalled.stalled_run_ids, v_stalled.stalled_step_slugs, v_stalled.stalled_task_indexes
  );

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
