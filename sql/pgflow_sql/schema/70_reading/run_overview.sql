-- for: client
-- Neither input nor outputs, which may be large. Steps are counted for the rows that are returned only.
create view pgflow.run_overview as
select
  r.run_id,
  r.flow_slug,
  r.status,
  r.started_at,
  coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at,
  extract(epoch from coalesce(r.completed_at, r.failed_at, r.cancelled_at, now()) - r.started_at)::double precision as duration_seconds,
  s.step_count,
  s.created_step_count,
  s.started_step_count,
  s.completed_step_count,
  s.failed_step_count,
  s.skipped_step_count,
  s.failed_step_slug,
  r.error_message,
  s.cancelled_step_count,
  r.cancel_reason,
  case when r.status = 'started' then r.held_at end as held_at,
  r.begins_at
from pgflow.runs r
left join lateral (
  select
    count(*) as step_count,
    count(*) filter (where t.status = 'created' and r.status = 'started') as created_step_count,
    count(*) filter (where t.status = 'started' and r.status = 'started') as started_step_count,
    count(*) filter (where t.status = 'completed') as completed_step_count,
    count(*) filter (where t.status = 'failed') as failed_step_count,
    count(*) filter (where t.status = 'skipped') as skipped_step_count,
    count(*) filter (
      where t.status = 'cancelled' or t.status in ('created', 'started') and r.status <> 'started'
    ) as cancelled_step_count,
    (
      array_agg(t.step_slug order by t.error_message is distinct from r.error_message, t.failed_at, t.step_slug)
        filter (where t.status = 'failed')
    )[1] as failed_step_slug
  from pgflow.step_states t
  where t.run_id = r.run_id
) s on true;

comment on view pgflow.run_overview is
  'Runs with their steps counted. Quick by run_id, by flow_slug with a time or the latest started_at first, and page by page in the order of run_id.';
comment on column pgflow.run_overview.run_id is 'Ids made by pgflow sort by time, so "order by run_id desc" means the latest first.';
comment on column pgflow.run_overview.ended_at is 'When the run completed, failed or was cancelled; null: it goes on.';
comment on column pgflow.run_overview.duration_seconds is 'From start to end; to now for a run that goes on.';
comment on column pgflow.run_overview.created_step_count is 'Steps that wait for others.';
comment on column pgflow.run_overview.started_step_count is 'Steps whose tasks are queued or at work.';
comment on column pgflow.run_overview.failed_step_slug is 'The step that failed the run.';
comment on column pgflow.run_overview.error_message is 'Why the run failed.';
comment on column pgflow.run_overview.cancelled_step_count is 'Steps that were at work, or waited, when the run ended.';
comment on column pgflow.run_overview.cancel_reason is 'Why the run was cancelled, as given by who did it.';
comment on column pgflow.run_overview.held_at is 'Since when the run is held; null: it is not.';
comment on column pgflow.run_overview.begins_at is 'When a run that was started for later begins; null: it has begun.';
