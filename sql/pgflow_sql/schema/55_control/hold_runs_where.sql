-- for: operator
-- hold_runs for a page of the started runs that fit a filter (see count_runs_where) and are not held, by ascending ids
-- after after_id. changed: how many are held now; call again with last_id until that is null: each run is met at most
-- once.
create function pgflow.hold_runs_where(
  filter jsonb,
  after_id uuid default null,
  max_runs int default 1000,
  actor text default null
)
returns table (changed int, last_id uuid)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- the order of an index, whatever the statistics say
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_run_ids uuid[];
begin
  select m.run_ids, m.last_id into v_run_ids, last_id
  from pgflow._matching_runs(
    hold_runs_where.filter, 'hold', hold_runs_where.after_id, pgflow._page_size(hold_runs_where.max_runs)
  ) m;
  select count(*) into changed
  from pgflow._hold_asked(v_run_ids, hold_runs_where.actor, hold_runs_where.filter) a
  where a.outcome = 'held';
  return next;
end;
$$;
