-- Fails tasks of many runs, as if one after the other with, in each run, first whatever fails the run, then
-- whatever skips a step: the rest of that run or step then comes late; last come failures that are values. fenced as in
-- _complete.
-- retryable[i] = false: no further attempt. retry_after[i]: seconds instead of the formula; such an attempt has
-- not failed but asked to run again.
-- A retry in more than ten seconds waits without a message where there are workers to fire its timer: those that give
-- fences. Hidden messages are walked over by each claim.
create function pgflow._fail(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  error_messages text[],
  retryable boolean[],
  retry_after int[],
  fenced boolean
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_tasks pgflow.task_result[];
  v_errors text[];
  v_is_held boolean;  -- whether one of the runs is
  v_has_origins boolean;  -- whether one of the runs has, or something follows its end
  v_live boolean;  -- whether all runs are still started
  v_asked boolean[];
  v_part record;
  v_longest_hidden int := case when _fail.fenced then 10 else 2147483647 end;  -- seconds
  v_all bigint;  -- see 00_model/model.sql
begin
  select bool_or(l.held_at is not null), bool_or(l.has_origin), bool_and(l.status = 'started')
  into v_is_held, v_has_origins, v_live
  from (
    select r.held_at, r.has_origin, r.status
    from pgflow.runs r
    where r.run_id = any(_fail.run_ids)
    order by r.run_id
    for no key update
  ) l;

  -- judge, and store with each task what becomes of it
  select j.tasks, j.errors, j.asked into v_tasks, v_errors, v_asked
  from pgflow._judge_failures(
    _fail.worker_ids, _fail.run_ids, _fail.step_slugs, _fail.task_indexes, _fail.attempts, _fail.error_messages,
    _fail.retryable, _fail.retry_after, _fail.fenced
  ) j;

  update pgflow.step_tasks t
  set status = case v.outcome when 'retry' then 'queued' when 'value' then t.status else 'failed' end,
      message_id = case when v.waits then null else t.message_id end,
      waits_for = case when v.waits then 'time' end,
      started_at = case v.outcome when 'retry' then null else t.started_at end,
      failed_at = case when v.outcome not in ('retry', 'value') then greatest(now(), t.started_at) end,
      is_tolerated = case v.outcome when 'value' then true end,
      error_message = v.error_message,
      attempt_errors = pgflow._with_attempt(
        t.attempt_errors, t.attempts_count, v.error_message,
        case when v.asked and v.outcome = 'retry' then v.delay end
      ),
      again_count = case when v.asked and v.outcome = 'retry' then coalesce(t.again_count, 0) + 1
        else t.again_count end
  from (
    select g.*, g.outcome = 'retry' and g.delay > v_longest_hidden as waits
    from unnest(v_tasks, v_errors, v_asked) g(
      outcome, flow_slug, run_id, step_slug, task_index, attempt, worker_id, msg_id, input, flow_input,
      timeout, started_at, trace_context, delay, max_attempts, state, round, error_message, asked
    )
    where g.outcome in ('retry', 'fail', 'skip', 'skip-cascade', 'value', 'run failed')
    limit v_all
  ) v
  where t.run_id = v.run_id and t.step_slug = v.step_slug and t.task_index = v.task_index;

  -- sort by what has to follow
  select
    array_agg(v.flow_slug) filter (where v.outcome = 'retry' and not w.waits) as retry_flow_slugs,
    array_agg(v.msg_id) filter (where v.outcome = 'retry' and not w.waits) as retry_msg_ids,
    array_agg(v.delay) filter (where v.outcome = 'retry' and not w.waits) as retry_delays,
    array_agg(v.flow_slug) filter (where w.waits) as wait_flow_slugs,
    array_agg(v.run_id) filter (where w.waits) as wait_run_ids,
    array_agg(v.step_slug) filter (where w.waits) as wait_step_slugs,
    array_agg(v.task_index) filter (where w.waits) as wait_task_indexes,
    array_agg(clock_timestamp() + make_interval(secs => v.delay)) filter (where w.waits) as wait_due_at,
    array_agg(jsonb_build_object('attempt', v.attempt)) filter (where w.waits) as wait_payloads,
    array_agg(v.flow_slug) filter (where v.outcome = 'retry' and v.delay = 0) as visible_flow_slugs,
    array_agg(v.flow_slug) filter (where w.waits or v.outcome not in ('retry', 'stale', 'value')) as over_flow_slugs,
    array_agg(v.msg_id) filter (where w.waits or v.outcome not in ('retry', 'stale', 'value')) as over_msg_ids,
    array_agg(v.run_id) filter (where v.outcome = 'fail') as fail_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'fail') as fail_step_slugs,
    array_agg(v.error_message) filter (where v.outcome = 'fail') as fail_messages,
    array_agg(v.run_id) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_run_ids,
    array_agg(v.step_slug) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_step_slugs,
    array_agg(v.error_message) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_messages,
    array_agg(v.flow_slug) filter (where v.outcome = 'skip') as plain_flow_slugs,
    array_agg(v.run_id) filter (where v.outcome = 'skip') as plain_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'skip') as plain_step_slugs,
    array_agg(v.run_id) filter (where v.outcome = 'skip-cascade') as cascade_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'skip-cascade') as cascade_step_slugs,
    array_agg(v.run_id) filter (where v.outcome = 'value') as value_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'value') as value_step_slugs,
    array_agg(v.task_index) filter (where v.outcome = 'value') as value_task_indexes,
    array_agg(v.error_message) filter (where v.outcome = 'value') as value_messages,
    array_agg(v.run_id) filter (where v.outcome in ('fail', 'skip', 'skip-cascade')) as changed_run_ids,
    bool_or(v.outcome = 'late') as has_late
  into v_part
  from unnest(v_tasks, v_errors) v(
    outcome, flow_slug, run_id, step_slug, task_index, attempt, worker_id, msg_id, input, flow_input,
    timeout, started_at, trace_context, delay, max_attempts, state, round, error_message
  )
  cross join lateral (select v.outcome = 'retry' and v.delay > v_longest_hidden as waits) w;

  -- messages, timers, the ends of runs and steps
  if v_part.retry_msg_ids is not null then
    perform pgflow._send_back(v_part.retry_flow_slugs, v_part.retry_msg_ids, v_part.retry_delays);
  end if;
  if v_part.wait_run_ids is not null then
    perform pgflow._set_timers(
      'wait', v_part.wait_due_at, v_part.wait_flow_slugs, v_part.wait_run_ids, v_part.wait_step_slugs,
      v_part.wait_task_indexes, v_part.wait_payloads
    );
  end if;
  if v_part.over_msg_ids is not null then
    perform pgflow._archive(v_part.over_flow_slugs, v_part.over_msg_ids);
  end if;
  if v_part.fail_run_ids is not null then
    perform pgflow._fail_runs(v_part.fail_run_ids, v_part.fail_step_slugs, v_part.fail_messages);
  end if;
  if v_part.skip_run_ids is not null then
    perform pgflow._skip_steps(
      v_part.skip_run_ids, v_part.skip_step_slugs,
      array_fill('handler_failed'::text, array[cardinality(v_part.skip_run_ids)]), v_part.skip_messages
    );
    perform pgflow._force_skip(v_part.cascade_run_ids, v_part.cascade_step_slugs);
    perform pgflow._advance(
      v_part.plain_flow_slugs, v_part.plain_run_ids, v_part.plain_step_slugs, null, 0, false, true, true, true
    );
    perform pgflow._finish_runs(v_part.cascade_run_ids, false, true);
  end if;
  if v_part.value_run_ids is not null then
    perform pgflow._tolerate(
      v_part.value_run_ids, v_part.value_step_slugs, v_part.value_task_indexes, v_part.value_messages
    );
  end if;
  if not v_live or v_part.has_late then
    perform pgflow._note_late(
      _fail.worker_ids, _fail.run_ids, _fail.step_slugs, _fail.task_indexes, _fail.attempts, null, false, _fail.fenced
    );
  end if;
  if v_is_held then
    perform pgflow._keep_held(_fail.run_ids);
  end if;
  perform pgflow._notify(v_part.visible_flow_slugs, v_part.changed_run_ids);

  return query
  select
    case v.outcome
      when 'retry' then 'retried'
      when 'fail' then 'failed'
      when 'run failed' then 'failed'
      when 'skip' then 'skipped'
      when 'skip-cascade' then 'skipped'
      when 'value' then 'tolerated'
      else 'stale'
    end,
    v.flow_slug, v.run_id, v.step_slug, v.task_index, v.attempt, v.worker_id, v.msg_id,
    case when v.outcome in ('late', 'stale') then pgflow._why_refused(v.run_id, v.step_slug) end, v.flow_input,
    v.timeout, v.started_at, v.trace_context,
    case v.outcome when 'retry' then v.delay end,
    v.max_attempts, null::jsonb, null::int
  from unnest(v_tasks) v;
  if v_has_origins or not v_live or v_part.fail_run_ids is not null or v_part.skip_run_ids is not null then
    return query select d.* from pgflow._told_due(_fail.run_ids) d;
  end if;
end;
$$;
