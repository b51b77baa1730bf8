-- Fails tasks of many runs, as if one after the other with, in each run, first whatever fails the run, then
-- whatever skips a step: the rest of that run or step then comes late. fenced as in _complete.
-- retryable[i] = false: no further attempt. retry_after[i]: seconds instead of the formula.
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_tasks pgflow.task_result[];
  v_errors text[];
  v_part record;
  v_all bigint;  -- see 0001_model.sql
begin
  perform 1
  from pgflow.runs r
  where r.run_id = any(_fail.run_ids)
  order by r.run_id
  for no key update;

  -- verdicts: retry, fail, skip, skip-cascade, late, 'run failed' (task fails with its run), stale
  select
    array_agg(row(
      v.verdict, v.flow_slug, v.run_id, v.step_slug, v.task_index, v.attempt, v.worker_id, v.message_id,
      null, null, null, null, v.trace_context, v.delay, v.max_attempts
    )::pgflow.task_result order by v.position),
    array_agg(v.error_message order by v.position)
  into v_tasks, v_errors
  from (
    select
      c.*,
      case
        when c.first_verdict not in ('retry', 'fail', 'skip', 'skip-cascade') then c.first_verdict
        when c.fail_position is not null then
          case when c.position = c.fail_position then 'fail' else 'run failed' end
        when c.skip_position is not null and c.position <> c.skip_position then 'late'
        else c.first_verdict
      end as verdict
    from (
      select
        j.*,
        min(j.position) filter (where j.first_verdict = 'fail')
          over (partition by j.run_id) as fail_position,
        min(j.position) filter (where j.first_verdict in ('skip', 'skip-cascade'))
          over (partition by j.run_id, j.step_slug) as skip_position
      from (
        select
          g.*,
          r.flow_slug,
          r.trace_context,
          t.message_id,
          coalesce(st.opt_max_attempts, f.opt_max_attempts) as max_attempts,
          coalesce(
            case when g.retry_after is not null then least(greatest(g.retry_after, 0), 86400) end,
            pgflow._retry_delay(
              coalesce(st.opt_backoff, f.opt_backoff),
              coalesce(st.opt_base_delay, f.opt_base_delay),
              coalesce(st.opt_max_delay, f.opt_max_delay),
              t.attempts_count
            )
          ) as delay,
          case
            when t.run_id is null then 'stale'
            when _fail.fenced and (t.last_worker_id, t.attempts_count) is distinct from (g.worker_id, g.attempt)
              then case when r.status <> 'failed' and s.status = 'started' then 'stale' else 'late' end
            when r.status = 'failed' then case when t.status = 'started' then 'run failed' else 'late' end
            when s.status <> 'started' then 'late'
            when t.status <> 'started' then 'stale'
            when row_number() over (partition by g.run_id, g.step_slug, g.task_index order by g.position) > 1
              then 'stale'
            -- a requeue after a crash has counted an attempt that the handler did not fail
            when coalesce(g.retryable, true)
              and t.attempts_count - t.requeued_count < coalesce(st.opt_max_attempts, f.opt_max_attempts)
              then 'retry'
            else st.when_exhausted
          end as first_verdict
        from unnest(
          _fail.worker_ids, _fail.run_ids, _fail.step_slugs, _fail.task_indexes, _fail.attempts,
          _fail.error_messages, _fail.retryable, _fail.retry_after
        ) with ordinality g(
          worker_id, run_id, step_slug, task_index, attempt, error_message, retryable, retry_after, position
        )
        left join lateral (
          select *
          from pgflow.step_tasks l
          where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
          limit 1
        ) t on true
        left join lateral (select * from pgflow.runs l where l.run_id = t.run_id limit 1) r on true
        left join lateral (
          select l.status from pgflow.step_states l where l.run_id = t.run_id and l.step_slug = t.step_slug limit 1
        ) s on true
        left join lateral (
          select * from pgflow.steps l where l.flow_slug = t.flow_slug and l.step_slug = t.step_slug limit 1
        ) st on true
        left join lateral (select * from pgflow.flows l where l.flow_slug = t.flow_slug limit 1) f on true
      ) j
    ) c
  ) v;

  update pgflow.step_tasks t
  set status = case v.outcome when 'retry' then 'queued' else 'failed' end,
      started_at = case v.outcome when 'retry' then null else t.started_at end,
      failed_at = case v.outcome when 'retry' then null else greatest(now(), t.started_at) end,
      error_message = v.error_message
  from (
    select *
    from unnest(v_tasks, v_errors) g(
      outcome, flow_slug, run_id, step_slug, task_index, attempt, worker_id, msg_id, input, flow_input,
      timeout, started_at, trace_context, delay, max_attempts, error_message
    )
    where g.outcome in ('retry', 'fail', 'skip', 'skip-cascade', 'run failed')
    limit v_all
  ) v
  where t.run_id = v.run_id and t.step_slug = v.step_slug and t.task_index = v.task_index;

  select
    array_agg(v.flow_slug) filter (where v.outcome = 'retry') as retry_flow_slugs,
    array_agg(v.msg_id) filter (where v.outcome = 'retry') as retry_msg_ids,
    array_agg(v.delay) filter (where v.outcome = 'retry') as retry_delays,
    array_agg(v.flow_slug) filter (where v.outcome = 'retry' and v.delay = 0) as visible_flow_slugs,
    array_agg(v.flow_slug) filter (where v.outcome not in ('retry', 'stale')) as over_flow_slugs,
    array_agg(v.msg_id) filter (where v.outcome not in ('retry', 'stale')) as over_msg_ids,
    array_agg(v.run_id) filter (where v.outcome = 'fail') as fail_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'fail') as fail_step_slugs,
    array_agg(v.error_message) filter (where v.outcome = 'fail') as fail_messages,
    array_agg(v.run_id) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_run_ids,
    array_agg(v.step_slug) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_step_slugs,
    array_agg(v.error_message) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_messages,
    array_agg(v.run_id) filter (where v.outcome = 'skip') as plain_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'skip') as plain_step_slugs,
    array_agg(v.run_id) filter (where v.outcome = 'skip-cascade') as cascade_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'skip-cascade') as cascade_step_slugs,
    array_agg(v.run_id) filter (where v.outcome in ('fail', 'skip', 'skip-cascade')) as changed_run_ids
  into v_part
  from unnest(v_tasks, v_errors) v(
    outcome, flow_slug, run_id, step_slug, task_index, attempt, worker_id, msg_id, input, flow_input,
    timeout, started_at, trace_context, delay, max_attempts, error_message
  );

  if v_part.retry_msg_ids is not null then
    perform pgflow._set_visibility(v_part.retry_flow_slugs, v_part.retry_msg_ids, v_part.retry_delays);
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
    perform pgflow._advance(v_part.plain_run_ids, v_part.plain_step_slugs, null, 0, false);
    perform pgflow._finish_runs(v_part.cascade_run_ids, false);
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
      else 'stale'
    end,
    v.flow_slug, v.run_id, v.step_slug, v.task_index, v.attempt, v.worker_id, v.msg_id, v.input, v.flow_input,
    v.timeout, v.started_at, v.trace_context,
    case v.outcome when 'retry' then v.delay end,
    v.max_attempts
  from unnest(v_tasks) v;
end;
$$;
