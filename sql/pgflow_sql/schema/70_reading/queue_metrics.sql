-- for: worker, client
-- A later version may add columns at the end only: create or replace view demands it.
create view pgflow.queue_metrics as
select
  f.flow_slug, m.queue_length, m.visible_count, m.started_count, m.delayed_count, m.oldest_message_seconds,
  m.longest_wait_seconds, m.sent_count, m.archived_estimate, w.worker_count, m.waiting_count,
  m.failing_timer_count, m.waiting_signal_count, m.longest_signal_wait_seconds, m.paused_schedule_count,
  m.failing_schedule_count, m.late_schedule_seconds, m.failed_undo_count
from pgflow.flows f
cross join lateral pgflow.measure_queue(f.flow_slug) m
cross join lateral (
  select count(*) as worker_count
  from pgflow.workers k
  where k.queue_name = f.flow_slug
    and k.stopped_at is null
    and k.deprecated_at is null
    and k.last_heartbeat_at > now() - interval '30 seconds'
) w;

comment on view pgflow.queue_metrics is
  'The queue of each flow as it is now. A condition on flow_slug looks at that queue only.';
comment on column pgflow.queue_metrics.queue_length is 'Messages in the queue: tasks that have not ended and do not wait for a time.';
comment on column pgflow.queue_metrics.visible_count is 'Messages that a worker may take now.';
comment on column pgflow.queue_metrics.started_count is 'Tasks that workers are at.';
comment on column pgflow.queue_metrics.delayed_count is 'Messages that wait: for a retry in ten seconds or less or a start delay, or read a moment ago.';
comment on column pgflow.queue_metrics.oldest_message_seconds is 'Seconds since the oldest message was sent; null: the queue is empty.';
comment on column pgflow.queue_metrics.longest_wait_seconds is 'Seconds for which a message has been visible and nobody took it; null: none is visible. What to alert on.';
comment on column pgflow.queue_metrics.sent_count is 'Messages sent since the queue was made; transactions that were rolled back leave gaps, which count.';
comment on column pgflow.queue_metrics.archived_estimate is 'Messages of ended tasks that are still kept, as PostgreSQL''s statistics have it.';
comment on column pgflow.queue_metrics.worker_count is 'Worker processes that serve the flow: registered, not deprecated, heard of within 30 seconds.';
comment on column pgflow.queue_metrics.waiting_count is 'Tasks without a message that wait for a time: retries in more than ten seconds.';
comment on column pgflow.queue_metrics.failing_timer_count is 'Timers of the flow that could not be fired; they are tried again, an hour apart at most.';
comment on column pgflow.queue_metrics.waiting_signal_count is 'Signal steps that wait for somebody.';
comment on column pgflow.queue_metrics.longest_signal_wait_seconds is 'For how long the first of them has been waiting; null: none is.';
comment on column pgflow.queue_metrics.paused_schedule_count is 'Schedules that start runs of the flow and are paused.';
comment on column pgflow.queue_metrics.failing_schedule_count is 'Those whose last fire failed; they are tried again, and count as failing timers too.';
comment on column pgflow.queue_metrics.late_schedule_seconds is 'For how long a fire of one has been due that nobody has seen to; null: none is. What to alert on.';
comment on column pgflow.queue_metrics.failed_undo_count is 'Undos of the flow''s runs that have failed: somebody has to look at them.';
