-- Failed and cancelled runs, page by page. Its predicate changes only when a run fails, is cancelled or retried, so HOT
-- updates are not at stake.
create index runs_undone_idx on pgflow.runs (run_id) where failed_at is not null or cancelled_at is not null;
