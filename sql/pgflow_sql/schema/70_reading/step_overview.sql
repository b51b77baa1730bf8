-- for: client
create view pgflow.step_overview as
select f.flow_slug, m.*
from pgflow.flows f
cross join lateral pgflow.measure_steps(f.flow_slug) m;

comment on view pgflow.step_overview is
  'Each step in the latest runs of its flow: those started within the last hour, 1,000 at most. pgflow.measure_steps takes other limits.';
comment on column pgflow.step_overview.window_seconds is 'Seconds since the start of the oldest run looked at; null: there was none.';
comment on column pgflow.step_overview.run_count is 'Runs looked at.';
comment on column pgflow.step_overview.created_count is 'Runs in which the step waits for others.';
comment on column pgflow.step_overview.started_count is 'Runs in which the step is at work; likewise completed, failed and skipped.';
comment on column pgflow.step_overview.queued_task_count is 'Tasks that no worker has taken; a map has one for each element. Likewise started, completed and failed.';
comment on column pgflow.step_overview.retry_count is 'Attempts after a task''s first that a failure made necessary.';
comment on column pgflow.step_overview.requeue_count is 'How often a task was taken from a worker that had died.';
comment on column pgflow.step_overview.completed_per_second is 'Completed tasks by window_seconds.';
comment on column pgflow.step_overview.duration_p50_seconds is 'Of the completed tasks'' last attempts, from claim to result: half were quicker. Likewise p95 and p99.';
comment on column pgflow.step_overview.wait_p50_seconds is 'From queued to started, start delays and earlier attempts included: half were quicker. Likewise p95.';
comment on column pgflow.step_overview.cancelled_count is 'Runs that ended while the step waited or was at work.';
comment on column pgflow.step_overview.cancelled_task_count is 'Tasks that were open when their step was skipped or their run ended.';
comment on column pgflow.step_overview.again_count is 'Attempts that ended by asking to run again later (RetryAfter): polls, which are no failures.';
