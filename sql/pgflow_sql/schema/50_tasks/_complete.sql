-- Completes tasks of many runs. fenced: element i counts only if its task is started by worker i in attempt i.
-- Tasks of subflow steps start a child with what they give, and wait for it; is_output: what is given is their output.
-- Returns what did not complete ('stale', 'failed', ...), if asked for tasks handed over ('claimed'), and one row 'due' where
-- a parent has to be told of the end of a child.
create function pgflow._complete(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  hand_over int,
  flow_input_steps text[],
  fenced boolean,
  is_output boolean default false
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_flow_slugs text[];
  v_flow_slug text;
  v_live boolean;  -- whether all runs are still started, or else
  v_live_ids uuid[];  -- which are
  v_is_held boolean;  -- whether one of the runs is
  v_is_silent boolean;  -- whether a sign of life of one of the workers is due
  v_hand_over int := _complete.hand_over;
  v_has_maps boolean := false;
  v_has_conditions boolean := false;  -- or maps
  v_has_timeouts boolean := false;  -- of whole runs, or else what waits for something outside
  v_has_subflows boolean := false;
  v_has_ends boolean := false;  -- whether something may follow the end of one of the runs
  v_has_origins boolean;  -- whether one of the runs has
  v_begun record;
  v_refused_keys text[];  -- of tasks that may not start a child
  v_has_large_values boolean := false;
  v_large_flow_slugs text[];  -- those of which that turns out now
  v_map_steps text[];  -- '<flow_slug>.<step_slug>'
  v_accepted record;
  v_outgrown bigint[];  -- which of the steps that are done are maps whose outputs are too large together
  v_sizes bigint[];     -- of these, in bytes, as the next two
  v_outgrown_run_ids uuid[];
  v_outgrown_step_slugs text[];
  v_handed record;
  v_violations bigint[];
  v_settled bigint[];  -- positions of which no more is to be said
  v_refused bigint[];
  v_all bigint;  -- see 00_model/model.sql
begin
  -- A statement of its own: what follows must see what the others have committed meanwhile.
  select array_agg(distinct r.flow_slug), bool_and(r.status = 'started'), bool_or(r.held_at is not null), bool_or(r.has_origin), exists (
    select 1
    from pgflow.workers w
    where w.worker_id = any(_complete.worker_ids)
      and w.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
  )
  into v_flow_slugs, v_live, v_is_held, v_has_origins, v_is_silent
  from (
    select l.flow_slug, l.status, l.held_at, l.has_origin
    from pgflow.runs l
    where l.run_id = any(_complete.run_ids)
    order by l.run_id
    for no key update
  ) r;
  if v_is_silent then
    if not pgflow._note_life(_complete.worker_ids) then
      v_hand_over := 0;  -- its next claim tells it to register again
    end if;
  end if;

  if v_is_held then
    v_hand_over := 0;
  end if;

  -- what has to be minded in these flows
  foreach v_flow_slug in array coalesce(v_flow_slugs, '{}') loop
    select v_has_maps or p.has_maps, v_has_conditions or p.has_maps or p.has_conditions,
      v_has_large_values or p.has_large_values, v_has_timeouts or p.run_timeout is not null or p.has_kinds or p.has_ends,
      v_has_subflows or p.has_kinds and 'subflow' = any(p.kinds), v_has_ends or p.has_ends
    into v_has_maps, v_has_conditions, v_has_large_values, v_has_timeouts, v_has_subflows, v_has_ends
    from pgflow.prepared_flows p
    where p.flow_slug = v_flow_slug;
  end loop;
  if v_has_subflows and not _complete.is_output then
    select * into v_begun
    from pgflow._begin_children(
      _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes, _complete.attempts,
      _complete.outputs, _complete.fenced
    );
    if v_begun.refused_positions is not null then
      v_refused_keys := array(
        select _complete.run_ids[o] || '.' || _complete.step_slugs[o] || '.' || _complete.task_indexes[o]
        from unnest(v_begun.refused_positions) o
      );
      v_live := false;
      return query
      select f.outcome, f.flow_slug, f.run_id, f.step_slug, f.task_index, f.attempt, f.worker_id, f.msg_id,
        coalesce(f.input, case when f.outcome <> 'due' then to_jsonb(v_begun.refused_messages[array_position(
          v_refused_keys, f.run_id || '.' || f.step_slug || '.' || f.task_index
        )]) end),
        f.flow_input, f.timeout, f.started_at, f.trace_context, f.delay, f.max_attempts, f.state, f.round
      from pgflow._fail(
        array(select _complete.worker_ids[o] from unnest(v_begun.refused_positions) o),
        array(select _complete.run_ids[o] from unnest(v_begun.refused_positions) o),
        array(select _complete.step_slugs[o] from unnest(v_begun.refused_positions) o),
        array(select _complete.task_indexes[o] from unnest(v_begun.refused_positions) o),
        array(select _complete.attempts[o] from unnest(v_begun.refused_positions) o),
        v_begun.refused_messages, v_begun.retryable, null, _complete.fenced
      ) f;
    end if;
    if v_begun.child_ids is not null then
      return query select d.* from pgflow._told_due(v_begun.child_ids) d;
    end if;
    v_settled := v_begun.begun_positions || v_begun.refused_positions;
    if cardinality(v_settled) = cardinality(_complete.run_ids) then
      if v_is_held then
        perform pgflow._keep_held(_complete.run_ids);
      end if;
      return;
    end if;
  end if;
  -- outputs that a dependent map cannot go over fail their runs
  if v_has_maps then
    select array_agg(st.flow_slug || '.' || st.step_slug) into v_map_steps
    from pgflow.steps st
    where st.flow_slug = any(v_flow_slugs) and st.step_type = 'map';
    if exists (
      select 1
      from pgflow.steps st
      join pgflow.deps d on d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
      where st.flow_slug = any(v_flow_slugs)
        and st.step_type = 'map'
        and d.is_array
        and d.dep_slug = any(_complete.step_slugs)
        and d.flow_slug || '.' || d.dep_slug <> all(v_map_steps)
    ) then
      v_violations := pgflow._fail_type_violations(
        _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes,
        _complete.attempts, _complete.outputs, _complete.fenced
      );
    end if;
    if v_violations is not null then
      v_live := false;
      v_settled := v_settled || v_violations;
      return query select v.* from pgflow._outcomes(
        'failed', v_violations, _complete.worker_ids, _complete.run_ids, _complete.step_slugs,
        _complete.task_indexes, _complete.attempts
      ) v;
    end if;
  end if;

  if not v_live then
    v_live_ids := array(
      select r.run_id from pgflow.runs r where r.run_id = any(_complete.run_ids) and r.status = 'started'
    );
  end if;

  -- store outputs, count, complete what is full
  with accepted as (
    update pgflow.step_tasks t
    set status = 'completed',
        completed_at = greatest(now(), t.started_at),
        output = g.output,
        waits_for = null
    from (
      select u.*, s.is_map
      from unnest(
        _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes,
        _complete.attempts, _complete.outputs
      ) with ordinality u(worker_id, run_id, step_slug, task_index, attempt, output, position)
      cross join lateral (
        select coalesce(l.flow_slug || '.' || l.step_slug = any(v_map_steps), false) as is_map
        from pgflow.step_states l
        where l.run_id = u.run_id and l.step_slug = u.step_slug and l.status = 'started'
        limit 1
      ) s
      where v_live or u.run_id = any(v_live_ids)
      limit v_all
    ) g
    where t.run_id = g.run_id
      and t.step_slug = g.step_slug
      and t.task_index = g.task_index
      and (t.status = 'started' or _complete.is_output and t.waits_for = 'child')
      and (not _complete.fenced or (t.last_worker_id = g.worker_id and t.attempts_count = g.attempt))
    returning t.flow_slug, t.run_id, t.step_slug, t.message_id, t.last_worker_id, g.position, g.is_map,
      case when not g.is_map then t.output end as output
  ),
  -- One counter update per (run, step), however many of its tasks are in the batch. The array of a map is put
  -- together below: this statement does not see the outputs it stores.
  counted as (
    update pgflow.step_states s
    set remaining_tasks = s.remaining_tasks - c.task_count,
        status = case when s.remaining_tasks = c.task_count and not c.is_map then 'completed' else s.status end,
        completed_at = case when s.remaining_tasks = c.task_count and not c.is_map
          then greatest(now(), s.started_at) end,
        output = case when s.remaining_tasks = c.task_count and not c.is_map then c.output end
    from (
      select a.run_id, a.step_slug, count(*)::int as task_count, bool_or(a.is_map) as is_map,
        (array_agg(a.last_worker_id))[1] as worker_id,
        (array_agg(a.output) filter (where not a.is_map))[1] as output
      from accepted a
      group by a.run_id, a.step_slug
      limit v_all
    ) c
    where s.run_id = c.run_id and s.step_slug = c.step_slug
    returning s.flow_slug, s.run_id, s.step_slug, c.worker_id, s.status, s.remaining_tasks, s.initial_tasks
  )
  select a.*, d.*
  into v_accepted
  from (
    select
      array_agg(a.flow_slug) as flow_slugs,
      array_agg(a.message_id) as msg_ids,
      array_agg(a.position) as positions
    from accepted a
  ) a
  cross join (
    select
      array_agg(c.flow_slug) as done_flow_slugs,
      array_agg(c.run_id) as done_run_ids,
      array_agg(c.step_slug) as done_step_slugs,
      array_agg(c.worker_id) as done_worker_ids,
      bool_or(c.status <> 'completed') as are_maps,  -- some of them
      max(c.initial_tasks) as most_tasks
    from counted c
    where c.remaining_tasks = 0
  ) d;

  -- what came late or from somebody else
  if coalesce(cardinality(v_accepted.positions), 0) < cardinality(_complete.run_ids) then
    v_refused := array(
      select p.position from generate_series(1::bigint, cardinality(_complete.run_ids)) p(position)
      except select a.position from unnest(v_accepted.positions || v_settled) a(position)
      order by 1
    );
    if v_has_ends then
      perform pgflow._note_late(
        _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes, _complete.attempts,
        _complete.outputs, not _complete.is_output, _complete.fenced
      );
    end if;
    perform pgflow._archive_late(v_refused, _complete.run_ids, _complete.step_slugs, _complete.task_indexes);
    return query select v.* from pgflow._outcomes(
      'stale', v_refused, _complete.worker_ids, _complete.run_ids, _complete.step_slugs,
      _complete.task_indexes, _complete.attempts
    ) v;
  end if;
  if v_accepted.positions is null then
    if v_is_held and v_settled is not null then
      perform pgflow._keep_held(_complete.run_ids);
    end if;
    return;
  end if;

  if not v_has_large_values and pg_column_size(_complete.outputs) > 65536 then
    select array_agg(r.flow_slug) into v_large_flow_slugs
    from unnest(_complete.run_ids, _complete.outputs) u(run_id, output)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = u.run_id limit 1) r
    where pg_column_size(u.output) > 65536;
  end if;

  -- the arrays of maps; of few outputs none of which is large the sum is not either
  if v_accepted.are_maps then
    if v_has_large_values or v_large_flow_slugs is not null or v_accepted.most_tasks > 1600 then
      select o.positions, o.sizes into v_outgrown, v_sizes
      from pgflow._outgrown(
        v_accepted.done_flow_slugs, v_accepted.done_run_ids, v_accepted.done_step_slugs, v_map_steps
      ) o;
    end if;
    with filled as (
      update pgflow.step_states s
      set status = 'completed',
          completed_at = greatest(now(), s.started_at),
          output = (
            select jsonb_agg(t.output order by t.task_index)
            from pgflow.step_tasks t
            where t.run_id = s.run_id and t.step_slug = s.step_slug
          )
      from (
        select *
        from unnest(v_accepted.done_run_ids, v_accepted.done_step_slugs)
          with ordinality f(run_id, step_slug, position)
        where (f.position = any(v_outgrown)) is not true
        limit v_all
      ) f
      where s.run_id = f.run_id and s.step_slug = f.step_slug and s.status <> 'completed'
      returning s.flow_slug, pg_column_size(s.output) as bytes
    )
    select v_large_flow_slugs || array_agg(f.flow_slug) into v_large_flow_slugs
    from filled f
    where f.bytes > 65536;
  end if;
  if v_outgrown is not null then
    v_outgrown_run_ids := array(select v_accepted.done_run_ids[o] from unnest(v_outgrown) o);
    v_outgrown_step_slugs := array(select v_accepted.done_step_slugs[o] from unnest(v_outgrown) o);
    select array_agg(d.flow_slug), array_agg(d.run_id), array_agg(d.step_slug), array_agg(d.worker_id)
    into v_accepted.done_flow_slugs, v_accepted.done_run_ids, v_accepted.done_step_slugs, v_accepted.done_worker_ids
    from unnest(
      v_accepted.done_flow_slugs, v_accepted.done_run_ids, v_accepted.done_step_slugs, v_accepted.done_worker_ids
    ) with ordinality d(flow_slug, run_id, step_slug, worker_id, position)
    where d.position <> all(v_outgrown);
  end if;
  if v_large_flow_slugs is not null then
    v_has_large_values := true;
    perform pgflow._note_large_values(v_large_flow_slugs);
  end if;

  -- go on: dependents, hand-over, the end of runs
  perform pgflow._archive(v_accepted.flow_slugs, v_accepted.msg_ids);

  if v_accepted.done_run_ids is not null then
    if to_regnamespace('realtime') is not null then
      perform pgflow._send_events('step:completed', v_accepted.done_run_ids, v_accepted.done_step_slugs);
    end if;
    v_handed := pgflow._advance(
      v_accepted.done_flow_slugs, v_accepted.done_run_ids, v_accepted.done_step_slugs,
      v_accepted.done_worker_ids, v_hand_over, true, v_has_large_values, v_has_timeouts, v_has_conditions
    );
    if v_handed.handed_run_ids is not null then
      return query select v.* from pgflow._hand_out(
        v_handed.handed_flow_slugs, v_handed.handed_run_ids, v_handed.handed_step_slugs,
        v_handed.handed_task_indexes, _complete.flow_input_steps, v_has_large_values, null
      ) v;
    end if;
  end if;
  if v_outgrown is not null then
    perform pgflow._fail_outgrown(v_outgrown_run_ids, v_outgrown_step_slugs, v_sizes);
  end if;
  if v_is_held then
    perform pgflow._keep_held(_complete.run_ids);
  end if;
  if exists (select 1 from pgflow.announcements) then
    perform pgflow._notify(null, _complete.run_ids);
  end if;
  if v_has_origins or v_has_ends then
    return query select d.* from pgflow._told_due(_complete.run_ids) d;
  end if;
end;
$$;
