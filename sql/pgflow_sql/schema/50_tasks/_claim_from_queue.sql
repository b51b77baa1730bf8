-- Reads and starts up to max_count tasks of one flow. message_count says how many messages were read:
-- fewer than asked for means the queue has no more.
create function pgflow._claim_from_queue(
  worker_id uuid,
  flow_slug text,
  max_count int,
  after_msg_id bigint,
  visibility_timeout int,
  out message_count int,
  out last_msg_id bigint,
  out run_ids uuid[],
  out step_slugs text[],
  out task_indexes int[],
  out has_large_values boolean
)
language plpgsql
as $$
declare
  v_serves boolean;
  v_vt_offset int;
  v_read record;
  v_started record;
  v_rest record;
begin
  -- most steps have their flow's timeout: their messages are hidden for as long as needed by being read
  select
    not p.is_paused and w.stopped_at is null and w.deprecated_at is null
      and w.last_heartbeat_at > clock_timestamp() - interval '5 seconds',
    p.flow_timeout + 2
  into v_serves, v_vt_offset
  from pgflow.workers w
  cross join pgflow.prepared_flows p
  where w.worker_id = _claim_from_queue.worker_id and p.flow_slug = _claim_from_queue.flow_slug;
  if not found then
    perform pgflow._check_workers(array[_claim_from_queue.worker_id]);
    perform pgflow._check_flows(array[_claim_from_queue.flow_slug]);
  end if;
  message_count := 0;
  if not v_serves then  -- or the flow is paused, or a sign of life is due
    if exists (
      select 1
      from pgflow.workers w
      where w.worker_id = _claim_from_queue.worker_id
        and (w.stopped_at is not null or w.deprecated_at is not null)
    ) then
      return;
    end if;
    if not pgflow._note_life(array[_claim_from_queue.worker_id]) then
      perform pgflow._check_workers(array[_claim_from_queue.worker_id]);
    end if;
    if (select p.is_paused from pgflow.prepared_flows p where p.flow_slug = _claim_from_queue.flow_slug) then
      return;
    end if;
  end if;
  execute format('select * from pgflow.%I($1, $2, $3)', '_read:' || _claim_from_queue.flow_slug)
  into v_read using max_count, after_msg_id, v_vt_offset;
  if v_read.msg_ids is null then
    return;
  end if;
  message_count := cardinality(v_read.msg_ids);
  last_msg_id := v_read.msg_ids[message_count];

  v_started := pgflow._start_tasks(
    _claim_from_queue.worker_id, _claim_from_queue.flow_slug,
    v_read.msg_ids, v_read.run_ids, v_read.step_slugs, v_read.task_indexes
  );
  if v_vt_offset <> any(v_started.vt_offsets) then
    perform 1 from pgflow.set_vt_batch(
      _claim_from_queue.flow_slug, v_started.started_msg_ids, v_started.vt_offsets
    );
  end if;

  if coalesce(cardinality(v_started.started_msg_ids), 0) < message_count then
    select
      array_agg(g.msg_id) as msg_ids, array_agg(g.run_id) as run_ids,
      array_agg(g.step_slug) as step_slugs, array_agg(g.task_index) as task_indexes
    into v_rest
    from unnest(v_read.msg_ids, v_read.run_ids, v_read.step_slugs, v_read.task_indexes)
      g(msg_id, run_id, step_slug, task_index)
    where not g.msg_id = any(coalesce(v_started.started_msg_ids, '{}'));
    perform pgflow._settle_unstarted(
      _claim_from_queue.flow_slug, v_rest.msg_ids, v_rest.run_ids, v_rest.step_slugs, v_rest.task_indexes,
      visibility_timeout
    );
  end if;

  run_ids := v_started.started_run_ids;
  step_slugs := v_started.started_step_slugs;
  task_indexes := v_started.started_task_indexes;
  has_large_values := v_started.has_large_values;
end;
$$;
