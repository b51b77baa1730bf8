-- Failed runs, page by page. Its predicate changes only when a run fails, so HOT updates are not at stake.
create index runs_failed_idx on pgflow.runs (run_id) where failed_at is not null;
