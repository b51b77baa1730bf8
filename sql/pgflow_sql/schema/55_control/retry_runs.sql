-- for: operator
-- Lets failed and cancelled runs go on in place: what had completed keeps its output, all else is done again, with its
-- attempts counted afresh; each run after a random part of spread seconds, against a storm. One row a run, in the
-- order of the ids: 'retried', 'still_started', 'already_completed' (nothing was changed), 'no_such_run', or 'not_awaited': a
-- child whose parent does not wait for it; root_run_id is the run to retry instead. A task whose child failed or was
-- cancelled takes that child up again, which is retried in place. 'companions_under_way': its undo or its ends
-- are not over; 'was_undone': what it had done has been undone. options: {"even_if_undone": true} retries it all the same,
-- without what was undone being done again. 'left_behind': an undo whose run has been retried since. At most 1,000 runs with 50,000 tasks left a call, else PF011.
create function pgflow.retry_runs(
  run_ids uuid[], spread double precision default 0, options jsonb default '{}', actor text default null
)
returns table (run_id uuid, outcome text, root_run_id uuid)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select a.*
  from pgflow._retry_asked(
    retry_runs.run_ids, retry_runs.spread, retry_runs.options, retry_runs.actor, null
  ) a;
end;
$$;
