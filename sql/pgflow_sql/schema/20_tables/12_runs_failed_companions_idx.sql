-- Failed and cancelled runs that something else started, of a flow: undos that wait for somebody to look at them. Runs that somebody
-- started are in no page of it, and its predicate changes only when a run fails, is cancelled or retried, so HOT updates are not at
-- stake.
create index runs_failed_companions_idx on pgflow.runs (flow_slug, run_id)
  where (failed_at is not null or cancelled_at is not null) and has_origin;
