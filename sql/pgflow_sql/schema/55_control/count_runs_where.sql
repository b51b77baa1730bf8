-- for: operator
-- How many runs fit a filter; with an action (cancel, retry, hold, release) only those that it can be done to. A filter
-- is an object with some of: flow, status (one or a list), started_after (the moment itself too), started_before,
-- failed_step, error_contains (whatever its case), input_contains (JSON, as @>), error_key (of pgflow.group_failures);
-- the last three need flow and started_after. Raises PF011 for any other filter, and after half a minute.
create function pgflow.count_runs_where(filter jsonb, action text default null)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- the order of an index, whatever the statistics say
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_page record;
  v_after_id uuid;
  v_count bigint := 0;
  v_deadline constant timestamptz := clock_timestamp() + interval '30 seconds';
begin
  loop
    select * into v_page
    from pgflow._matching_runs(count_runs_where.filter, count_runs_where.action, v_after_id, 10000);
    v_count := v_count + coalesce(cardinality(v_page.run_ids), 0);
    v_after_id := v_page.last_id;
    exit when v_after_id is null;
    if clock_timestamp() > v_deadline then
      raise exception 'Counting these runs takes more than 30 seconds'
        using errcode = 'PF011', hint = 'Choose fewer: give a flow and times.';
    end if;
  end loop;
  return v_count;
end;
$$;
