-- for: operator
-- retry_runs for a page of the failed and cancelled runs that fit a filter (see count_runs_where), by ascending ids
-- after after_id. changed: how many were retried; call again with last_id until that is null: each run is met at most
-- once. One with more than 50,000 tasks left is passed over; the trail says so.
create function pgflow.retry_runs_where(
  filter jsonb,
  spread double precision default 0,
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
  v_fitting int;
begin
  select m.run_ids, m.last_id into v_run_ids, last_id
  from pgflow._matching_runs(
    retry_runs_where.filter, 'retry', retry_runs_where.after_id, pgflow._page_size(retry_runs_where.max_runs)
  ) m;

  select count(*) filter (where t.total <= 50000) into v_fitting
  from (
    select sum(c.task_count) over (order by c.position) as total
    from unnest(pgflow._tasks_to_retry(v_run_ids)) with ordinality c(task_count, position)
  ) t;
  if v_fitting < cardinality(v_run_ids) then
    last_id := v_run_ids[greatest(v_fitting, 1)];
    if v_fitting = 0 then
      changed := 0;
      perform pgflow._note_action(
        'retry', retry_runs_where.actor, null, v_run_ids[1:1], array['too_many_tasks'],
        jsonb_build_object('filter', pgflow._shown_filter(retry_runs_where.filter))
      );
      return next;
      return;
    end if;
    v_run_ids := v_run_ids[1:v_fitting];
  end if;
  select count(*) into changed
  from pgflow._retry_asked(
    v_run_ids, retry_runs_where.spread, '{}', retry_runs_where.actor, retry_runs_where.filter
  ) a
  where a.outcome = 'retried';
  return next;
end;
$$;
