-- again_tasks, for workers whose sign of life is written.
create function pgflow._again(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  states jsonb[],
  delays_ms bigint[],
  hand_over int,
  flow_input_steps text[]
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_is_held boolean;  -- whether one of the runs is
  v_part record;
  v_all bigint;  -- see 00_model/model.sql
begin
  -- A statement of its own: what follows must see what the others have committed meanwhile.
  select bool_or(l.held_at is not null) into v_is_held
  from (
    select r.held_at
    from pgflow.runs r
    where r.run_id = any(_again.run_ids)
    order by r.run_id
    for no key update
  ) l;

  select
    array_agg(j.position) filter (where j.verdict in ('now', 'soon', 'later')) as next_positions,
    array_agg(j.run_id) filter (where j.verdict in ('now', 'soon', 'later')) as next_run_ids,
    array_agg(j.step_slug) filter (where j.verdict in ('now', 'soon', 'later')) as next_step_slugs,
    array_agg(j.task_index) filter (where j.verdict in ('now', 'soon', 'later')) as next_task_indexes,
    array_agg(j.verdict) filter (where j.verdict in ('now', 'soon', 'later')) as next_verdicts,
    array_agg(j.flow_slug) filter (where j.verdict = 'now') as now_flow_slugs,
    array_agg(j.run_id) filter (where j.verdict = 'now') as now_run_ids,
    array_agg(j.step_slug) filter (where j.verdict = 'now') as now_step_slugs,
    array_agg(j.task_index) filter (where j.verdict = 'now') as now_task_indexes,
    array_agg(j.message_id) filter (where j.verdict = 'now') as now_msg_ids,
    array_agg(j.vt_offset) filter (where j.verdict = 'now') as now_vt_offsets,
    array_agg(j.flow_slug) filter (where j.verdict = 'soon') as soon_flow_slugs,
    array_agg(j.message_id) filter (where j.verdict = 'soon') as soon_msg_ids,
    array_agg(j.delay) filter (where j.verdict = 'soon') as soon_delays,
    array_agg(j.flow_slug) filter (where j.verdict = 'soon' and j.delay = 0) as visible_flow_slugs,
    array_agg(j.flow_slug) filter (where j.verdict = 'later') as later_flow_slugs,
    array_agg(j.run_id) filter (where j.verdict = 'later') as later_run_ids,
    array_agg(j.step_slug) filter (where j.verdict = 'later') as later_step_slugs,
    array_agg(j.task_index) filter (where j.verdict = 'later') as later_task_indexes,
    array_agg(j.message_id) filter (where j.verdict = 'later') as later_msg_ids,
    array_agg(clock_timestamp() + make_interval(secs => j.delay)) filter (where j.verdict = 'later') as later_due_at,
    array_agg(jsonb_build_object('attempt', j.attempt)) filter (where j.verdict = 'later') as later_payloads,
    array_agg(j.position) filter (where j.verdict = 'exhausted') as over_positions,
    array_agg(format('LoopExhausted: the loop has not ended within its %s rounds', j.max_rounds))
      filter (where j.verdict = 'exhausted') as over_messages,
    array_agg(j.position) filter (where j.verdict = 'stale') as stale_positions
  into v_part
  from pgflow._judge_rounds(
    _again.worker_ids, _again.run_ids, _again.step_slugs, _again.task_indexes, _again.attempts, _again.delays_ms,
    _again.hand_over
  ) j;

  -- the next round counts its attempts afresh, and goes on numbering them
  update pgflow.step_tasks t
  set status = case n.verdict when 'now' then 'started' else 'queued' end,
      started_at = case n.verdict when 'now' then greatest(now(), t.queued_at) end,
      attempts_count = t.attempts_count + case n.verdict when 'now' then 1 else 0 end,
      forgiven_count = t.attempts_count,
      requeued_count = 0,
      killed_workers = null,
      error_message = null,
      again_count = coalesce(t.again_count, 0) + 1,
      round = coalesce(t.round, 1) + 1,
      state = _again.states[n.position],
      message_id = case when n.verdict <> 'later' then t.message_id end,
      waits_for = case n.verdict when 'later' then 'round' end
  from (
    select *
    from unnest(
      v_part.next_positions, v_part.next_run_ids, v_part.next_step_slugs, v_part.next_task_indexes, v_part.next_verdicts
    ) g(position, run_id, step_slug, task_index, verdict)
    limit v_all
  ) n
  where t.run_id = n.run_id and t.step_slug = n.step_slug and t.task_index = n.task_index;

  if v_part.later_msg_ids is not null then
    perform pgflow._archive(v_part.later_flow_slugs, v_part.later_msg_ids);
    perform pgflow._set_timers(
      'wait', v_part.later_due_at, v_part.later_flow_slugs, v_part.later_run_ids, v_part.later_step_slugs,
      v_part.later_task_indexes, v_part.later_payloads
    );
  end if;
  if v_part.soon_msg_ids is not null then
    perform pgflow._send_back(v_part.soon_flow_slugs, v_part.soon_msg_ids, v_part.soon_delays);
  end if;
  if v_part.stale_positions is not null then
    perform pgflow._note_late(
      _again.worker_ids, _again.run_ids, _again.step_slugs, _again.task_indexes, _again.attempts, null, false, true
    );
    perform pgflow._archive_late(v_part.stale_positions, _again.run_ids, _again.step_slugs, _again.task_indexes);
    return query select v.* from pgflow._outcomes(
      'stale', v_part.stale_positions, _again.worker_ids, _again.run_ids, _again.step_slugs, _again.task_indexes,
      _again.attempts
    ) v;
  end if;
  if v_part.over_positions is not null then
    return query select f.* from pgflow._fail(
      array(select _again.worker_ids[o] from unnest(v_part.over_positions) o),
      array(select _again.run_ids[o] from unnest(v_part.over_positions) o),
      array(select _again.step_slugs[o] from unnest(v_part.over_positions) o),
      array(select _again.task_indexes[o] from unnest(v_part.over_positions) o),
      array(select _again.attempts[o] from unnest(v_part.over_positions) o),
      v_part.over_messages, array_fill(false, array[cardinality(v_part.over_positions)]), null, true
    ) f;
  end if;
  if v_part.now_msg_ids is not null then
    perform pgflow._hide(v_part.now_flow_slugs, v_part.now_msg_ids, v_part.now_vt_offsets);
    -- nothing notes whether the state of a round is large
    return query select d.* from pgflow._hand_out(
      v_part.now_flow_slugs, v_part.now_run_ids, v_part.now_step_slugs, v_part.now_task_indexes,
      _again.flow_input_steps, true, null
    ) d;
  end if;
  if v_is_held then
    perform pgflow._keep_held(_again.run_ids);
  end if;
  perform pgflow._notify(v_part.visible_flow_slugs, null);
end;
$$;
