-- Makes the tasks and messages of steps that have just been started (pairs with their flow, a worker and the
-- number of tasks; messages are sent in their order, those of tasks handed over first). Up to hand_over tasks of
-- steps without start_delay are born started, owned by the pair's worker, their messages already invisible: that
-- saves the claim; none of a paused flow. Returns the keys of those.
create function pgflow._spawn_tasks(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  task_counts int[],
  hand_over int,
  out handed_flow_slugs text[],
  out handed_run_ids uuid[],
  out handed_step_slugs text[],
  out handed_task_indexes int[]
)
language plpgsql
as $$
declare
  v_flow_slug text;
  v_slugs text[];        -- of the flow's steps, as the next two
  v_start_delays int[];
  v_vt_offsets int[];
  v_has_maps boolean;
  v_has_delays boolean;
  v_is_paused boolean;
  v_has_kinds boolean;
  v_run_ids uuid[];      -- of the flow's steps that start, later of their tasks, as the next three
  v_step_slugs text[];
  v_worker_ids uuid[];
  v_task_counts int[];
  v_task_indexes int[];
  v_elements jsonb[];
  v_left int := coalesce(hand_over, 0);
  v_eligible_count int;
  v_handed_count int;    -- the first so many tasks are handed over
  v_msg_ids bigint[];
  v_is_due boolean;      -- whether others are to be told of some
  v_notify text[];
begin
  foreach v_flow_slug in array pgflow._distinct(_spawn_tasks.flow_slugs) loop
    select p.step_slugs, p.start_delays, p.vt_offsets, p.has_maps, p.has_delays, p.is_paused, p.has_kinds
    into v_slugs, v_start_delays, v_vt_offsets, v_has_maps, v_has_delays, v_is_paused, v_has_kinds
    from pgflow.prepared_flows p
    where p.flow_slug = v_flow_slug;

    -- the flow's part, what may be handed over first
    v_run_ids := _spawn_tasks.run_ids;
    v_step_slugs := _spawn_tasks.step_slugs;
    v_worker_ids := _spawn_tasks.worker_ids;
    v_task_counts := _spawn_tasks.task_counts;
    v_eligible_count := null;  -- all of them
    if v_worker_ids is null then
      v_eligible_count := 0;
    end if;
    if v_has_delays or not v_flow_slug = all(_spawn_tasks.flow_slugs) or array_position(v_worker_ids, null) > 0 then
      select
        array_agg(p.run_id order by p.eligible desc, p.position),
        array_agg(p.step_slug order by p.eligible desc, p.position),
        array_agg(p.worker_id order by p.eligible desc, p.position),
        array_agg(p.task_count order by p.eligible desc, p.position),
        coalesce(sum(p.task_count) filter (where p.eligible), 0)
      into v_run_ids, v_step_slugs, v_worker_ids, v_task_counts, v_eligible_count
      from (
        select u.*,
          u.worker_id is not null and v_start_delays[array_position(v_slugs, u.step_slug)] = 0 as eligible
        from unnest(
          _spawn_tasks.flow_slugs, _spawn_tasks.run_ids, _spawn_tasks.step_slugs, _spawn_tasks.worker_ids,
          _spawn_tasks.task_counts
        ) with ordinality u(flow_slug, run_id, step_slug, worker_id, task_count, position)
        where u.flow_slug = v_flow_slug
      ) p;
    end if;

    if v_has_kinds then
      perform pgflow._set_loop_deadlines(v_run_ids, v_step_slugs);
    end if;

    -- from steps to tasks, with the elements of maps
    v_elements := null;
    if v_has_maps then
      v_elements := pgflow._elements(v_flow_slug, v_run_ids, v_step_slugs, v_task_counts);
    end if;
    v_task_indexes := array_fill(0, array[cardinality(v_run_ids)]);
    if not 1 = all(v_task_counts) then
      select array_agg(t.run_id), array_agg(t.step_slug), array_agg(t.worker_id), array_agg(t.task_index)
      into v_run_ids, v_step_slugs, v_worker_ids, v_task_indexes
      from (
        select p.run_id, p.step_slug, p.worker_id, generate_series(0, p.task_count - 1) as task_index
        from unnest(v_run_ids, v_step_slugs, v_worker_ids, v_task_counts)
          p(run_id, step_slug, worker_id, task_count)
      ) t;
    end if;
    v_handed_count := case
      when v_is_paused then 0
      else least(v_left, coalesce(v_eligible_count, cardinality(v_run_ids)), cardinality(v_run_ids))
    end;

    -- messages, then tasks, which hold their ids
    execute format('select pgflow.%I($1, $2, $3, $4, $5, $6, $7)', '_send:' || v_flow_slug)
    into v_msg_ids
    using v_run_ids, v_step_slugs, v_task_indexes, v_handed_count, v_slugs, v_vt_offsets, v_start_delays;

    insert into pgflow.step_tasks (
      flow_slug, run_id, step_slug, task_index, message_id, status, attempts_count, started_at,
      last_worker_id, element
    )
    select
      v_flow_slug, t.run_id, t.step_slug, t.task_index, t.message_id,
      case when t.position <= v_handed_count then 'started' else 'queued' end,
      case when t.position <= v_handed_count then 1 else 0 end,
      case when t.position <= v_handed_count then now() end,
      case when t.position <= v_handed_count then t.worker_id end,
      t.element
    from unnest(v_run_ids, v_step_slugs, v_task_indexes, v_msg_ids, v_worker_ids, v_elements)
      with ordinality t(run_id, step_slug, task_index, message_id, worker_id, element, position);

    -- what was handed over, and whether idle workers are to be told of the rest
    if v_handed_count > 0 then
      handed_flow_slugs := handed_flow_slugs || array_fill(v_flow_slug, array[v_handed_count]);
      handed_run_ids := handed_run_ids || v_run_ids[1:v_handed_count];
      handed_step_slugs := handed_step_slugs || v_step_slugs[1:v_handed_count];
      handed_task_indexes := handed_task_indexes || v_task_indexes[1:v_handed_count];
      v_left := v_left - v_handed_count;
    end if;
    if v_handed_count < cardinality(v_run_ids) then
      v_is_due := true;
      if v_has_delays then
        v_is_due := exists (
          select 1
          from unnest(v_step_slugs) with ordinality t(step_slug, position)
          where t.position > v_handed_count and v_start_delays[array_position(v_slugs, t.step_slug)] = 0
        );
      end if;
      if v_is_due then
        v_notify := v_notify || v_flow_slug;
      end if;
    end if;
  end loop;
  if v_notify is not null then
    perform pgflow._notify(v_notify, null);
  end if;
end;
$$;
