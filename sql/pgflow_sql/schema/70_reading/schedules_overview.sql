-- for: client
create view pgflow.schedules_overview as select * from pgflow.list_schedules();

comment on view pgflow.schedules_overview is
  'Each schedule: what pgflow.list_schedules lists.';
comment on column pgflow.schedules_overview.spec is 'When it fires, in which zone, and what overlapping and late fires do; cron is the expression as it was written.';
comment on column pgflow.schedules_overview.next_fire is 'Null while it is paused.';
comment on column pgflow.schedules_overview.last_run_id is 'The run that it started last; it may have been pruned.';
comment on column pgflow.schedules_overview.last_outcome is 'started, skipped, missed, queued or failed.';
comment on column pgflow.schedules_overview.error_message is 'Why the last fire failed; it is tried again.';
