-- A page of the runs that fit a filter and that an action (null: any) can be done to, by ascending ids from after_id
-- on: at most max_runs of them, 10,000 looked at, or three seconds long. last_id: where the next page goes on; null:
-- there is none. So each run is met at most once, however long it takes.
create function pgflow._matching_runs(
  filter jsonb, action text, after_id uuid, max_runs int, out run_ids uuid[], out last_id uuid
)
language plpgsql
as $$
declare
  c_most constant int := 10000;
  v_filter constant jsonb := pgflow._checked_filter(filter);
  v_flow_slug constant text := v_filter ->> 'flow';
  v_since constant timestamptz := coalesce((v_filter ->> 'started_after')::timestamptz, '-infinity');
  v_until constant timestamptz := coalesce((v_filter ->> 'started_before')::timestamptz, 'infinity');
  v_step_slug constant text := v_filter ->> 'failed_step';
  v_error constant text := lower(v_filter ->> 'error_contains');
  v_error_key constant text := v_filter ->> 'error_key';
  v_input constant jsonb := v_filter -> 'input_contains';
  v_from constant uuid := coalesce(after_id, '00000000-0000-0000-0000-000000000000');
  v_deadline constant timestamptz := clock_timestamp() + interval '3 seconds';
  v_statuses text[] := pgflow._statuses_for(action);
  v_window uuid[];
  v_cursor refcursor;
  v_run record;
  v_scanned int := 0;
begin
  if v_filter ? 'status' then
    v_statuses := array(
      select s.status from unnest(v_statuses) s(status) where v_filter -> 'status' ? s.status
    );
  end if;
  if v_flow_slug is not null and v_filter ? 'started_after' then
    v_window := array(
      select r.run_id
      from pgflow.runs r
      where r.flow_slug = v_flow_slug and r.started_at >= v_since and r.started_at < v_until
      limit c_most + 1
    );
  end if;

  if cardinality(v_window) <= c_most then
    open v_cursor for
      select r.* from pgflow.runs r where r.run_id = any(v_window) and r.run_id >= v_from order by r.run_id;
  elsif v_statuses <@ array['failed', 'cancelled'] then
    open v_cursor for
      select r.*
      from pgflow.runs r
      where (r.failed_at is not null or r.cancelled_at is not null) and r.run_id >= v_from
      order by r.run_id;
  else
    open v_cursor for select r.* from pgflow.runs r where r.run_id >= v_from order by r.run_id;
  end if;
  loop
    fetch v_cursor into v_run;
    exit when not found;
    v_scanned := v_scanned + 1;
    if v_run.status = any(v_statuses)
      and v_run.run_id is distinct from after_id
      and (v_flow_slug is null or v_run.flow_slug = v_flow_slug)
      and v_run.started_at >= v_since
      and v_run.started_at < v_until
      and (action is distinct from 'hold' or v_run.held_at is null)
      and (action is distinct from 'release' or v_run.held_at is not null)
      and (v_error is null or strpos(lower(v_run.error_message), v_error) > 0)
      and (v_error_key is null or coalesce(pgflow._error_key(v_run.error_message), '') = v_error_key)
      and (v_input is null or v_run.input @> v_input)
      and (v_step_slug is null or exists (
        select 1
        from pgflow.step_states s
        where s.run_id = v_run.run_id and s.step_slug = v_step_slug and s.status = 'failed'
      ))
    then
      run_ids := run_ids || v_run.run_id;
    end if;
    if cardinality(run_ids) >= max_runs or v_scanned > c_most or clock_timestamp() > v_deadline then
      last_id := v_run.run_id;
      exit;
    end if;
  end loop;
  close v_cursor;
end;
$$;
