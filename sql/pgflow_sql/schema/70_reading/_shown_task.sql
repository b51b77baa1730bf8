-- A task as lists show it, without what may be large. What was open when its step or run ended (over_at) is
-- shown as cancelled since then, as what cancel_runs has ended; again_at is when one that asked to run again is due.
-- waits_for and due_at are of one that waits without a message.
create function pgflow._shown_task(task pgflow.step_tasks, over_at timestamptz)
returns table (
  step_slug text,
  task_index int,
  status text,
  attempts_count int,
  requeued_count int,
  queued_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  last_worker_id uuid,
  error_message text,
  again_count int,
  again_at timestamptz,
  waits_for text,
  due_at timestamptz
)
language sql
stable
as $$
  select
    (task).step_slug,
    (task).task_index,
    case when c.is_cancelled then 'cancelled' else (task).status end,
    (task).attempts_count,
    (task).requeued_count,
    (task).queued_at,
    (task).started_at,
    case when c.is_cancelled then greatest(_shown_task.over_at, (task).started_at)
      else coalesce((task).completed_at, (task).failed_at, (task).cancelled_at) end,
    (task).last_worker_id,
    left((task).error_message, 300),
    coalesce((task).again_count, 0),
    case
      when (task).status = 'queued' and (task).again_count is not null and not c.is_cancelled
        and (task).attempts_count > (task).forgiven_count
        then ((task).attempt_errors -> -1 ->> 'at')::timestamptz
          + make_interval(secs => ((task).attempt_errors -> -1 ->> 'again_in')::int)
    end,
    case when not c.is_cancelled then (task).waits_for end,
    case when (task).waits_for in ('time', 'round') and not c.is_cancelled then pgflow._due_at(task) end
  from (
    select (task).status in ('queued', 'started') and _shown_task.over_at is not null as is_cancelled
  ) c;
$$;
