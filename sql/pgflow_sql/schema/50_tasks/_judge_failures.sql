-- What becomes of each failed task, in the order given: tasks[i].outcome is a verdict,
--   retry            back to the queue after tasks[i].delay seconds
--   fail             exhausted: the step and its run fail
--   skip[-cascade]   exhausted: the step is skipped
--   value            exhausted: the task completes, and its output says that it failed
--   run failed       its run has failed, before or in this batch: the task fails with it
--   late             its step has ended, before or in this batch: only its message goes
--   stale            not started, or not by this worker in this attempt: nothing happens
-- Within a run whatever fails the run counts first, within a step whatever skips it. Callers hold the runs.
create function pgflow._judge_failures(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  error_messages text[],
  retryable boolean[],
  retry_after int[],
  fenced boolean,
  out tasks pgflow.task_result[],
  out errors text[],
  out asked boolean[]
)
language plpgsql
as $$
begin
  select
    array_agg(row(
      v.verdict, v.flow_slug, v.run_id, v.step_slug, v.task_index, v.attempt, v.worker_id, v.message_id,
      null, null, null, null, v.trace_context, v.delay, v.max_attempts, null, null
    )::pgflow.task_result order by v.position),
    array_agg(v.error_message order by v.position),
    array_agg(v.retry_after is not null order by v.position)
  into tasks, errors, asked
  from (
    select
      c.*,
      -- then by what else is in the batch
      case
        when c.first_verdict not in ('retry', 'fail', 'skip', 'skip-cascade', 'value') then c.first_verdict
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
          coalesce(st.opt_max_attempts, f.opt_max_attempts) + t.forgiven_count as max_attempts,
          coalesce(
            case when g.retry_after is not null then least(greatest(g.retry_after, 0), 31536000) end,
            pgflow._retry_delay(
              coalesce(st.opt_backoff, f.opt_backoff),
              coalesce(st.opt_base_delay, f.opt_base_delay),
              coalesce(st.opt_max_delay, f.opt_max_delay),
              t.attempts_count - t.forgiven_count
            )
          ) as delay,
          -- first each task by itself
          case
            when t.run_id is null then 'stale'
            when _judge_failures.fenced
              and (t.last_worker_id, t.attempts_count) is distinct from (g.worker_id, g.attempt)
              then case when r.status = 'started' and s.status = 'started' then 'stale' else 'late' end
            when r.status = 'failed' then case when t.status = 'started' then 'run failed' else 'late' end
            when s.status <> 'started' then 'late'
            when t.status <> 'started' then 'stale'
            when row_number() over (
              partition by g.run_id, g.step_slug, g.task_index, g.worker_id, g.attempt order by g.position
            ) > 1
              then 'stale'
            -- a requeue after a crash has counted an attempt that the handler did not fail
            when coalesce(g.retryable, true)
              and t.attempts_count - t.forgiven_count - t.requeued_count < coalesce(st.opt_max_attempts, f.opt_max_attempts)
              then 'retry'
            else st.when_exhausted
          end as first_verdict
        from unnest(
          _judge_failures.worker_ids, _judge_failures.run_ids, _judge_failures.step_slugs,
          _judge_failures.task_indexes, _judge_failures.attempts, _judge_failures.error_messages,
          _judge_failures.retryable, _judge_failures.retry_after
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
          select l.status
          from pgflow.step_states l
          where l.run_id = t.run_id and l.step_slug = t.step_slug
          limit 1
        ) s on true
        left join lateral (
          select * from pgflow.steps l where l.flow_slug = t.flow_slug and l.step_slug = t.step_slug limit 1
        ) st on true
        left join lateral (select * from pgflow.flows l where l.flow_slug = t.flow_slug limit 1) f on true
      ) j
    ) c
  ) v;
end;
$$;
