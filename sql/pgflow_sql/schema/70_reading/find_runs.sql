-- for: client
-- A page of runs, the latest first, without what may be large; null for any flow, any status, any time.
--
-- Page by page in the order of an index (that of the key; of start within one flow), so a page costs the same
-- however many runs there are. before_at and before_id are started_at and run_id of the last row seen. Where a
-- status is rare it looks at max_scanned runs and no more; then the last row has no status and says how far it
-- came: go on from there; likewise when it has looked for three seconds. Ids made by pgflow sort by time; runs
-- with other ids stand where their id sorts.
--
-- in_input: a text in the run's input, as JSON is written, whatever its case; input_contains: JSON that the input
-- contains (@>); id_from and id_below: run ids from the one on, below the other; only_error: an error_key of
-- pgflow.group_failures. waits_for and waits_until: see _run_wait; begins_at: of one that is to begin later.
create function pgflow.find_runs(
  only_flow text default null,
  only_status text default null,
  since timestamptz default null,
  until timestamptz default null,
  before_at timestamptz default null,
  before_id uuid default null,
  max_runs int default 50,
  max_scanned int default 10000,
  in_input text default null,
  input_contains jsonb default null,
  id_from uuid default null,
  id_below uuid default null,
  only_error text default null
)
returns table (
  run_id uuid,
  flow_slug text,
  status text,
  started_at timestamptz,
  ended_at timestamptz,
  remaining_steps int,
  step_count int,
  error_message text,
  cancel_reason text,
  held_at timestamptz,
  begins_at timestamptz,
  waits_for text,
  waits_until timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- the index's order, whatever the statistics say: they may be those of an empty table
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_low constant uuid := greatest(
    find_runs.id_from,
    case
      when find_runs.since is null then '00000000-0000-0000-0000-000000000000'
      else pgflow._first_run_id(find_runs.since)
    end
  );
  v_until constant timestamptz := clock_timestamp() + interval '3 seconds';
  v_high constant uuid := least(
    find_runs.id_below,
    coalesce(find_runs.before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    case
      when find_runs.until is null then 'ffffffff-ffff-ffff-ffff-ffffffffffff'
      else pgflow._first_run_id(find_runs.until)
    end
  );
  v_cursor refcursor;
  v_run record;
  v_scanned int := 0;
  v_found int := 0;
begin
  if find_runs.only_status in ('failed', 'cancelled') then
    open v_cursor for
      select r.run_id, r.flow_slug, r.status, r.started_at,
        coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at, r.remaining_steps,
        left(r.error_message, 300) as error_message, left(r.cancel_reason, 300) as cancel_reason,
        case when r.status = 'started' then r.held_at end as held_at,
        case when r.status = 'started' then r.begins_at end as begins_at, r.input
      from pgflow.runs r
      where (r.failed_at is not null or r.cancelled_at is not null) and r.run_id < v_high and r.run_id >= v_low
      order by r.run_id desc;
  elsif find_runs.only_flow is not null then
    open v_cursor for
      select r.run_id, r.flow_slug, r.status, r.started_at,
        coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at, r.remaining_steps,
        left(r.error_message, 300) as error_message, left(r.cancel_reason, 300) as cancel_reason,
        case when r.status = 'started' then r.held_at end as held_at,
        case when r.status = 'started' then r.begins_at end as begins_at, r.input
      from pgflow.runs r
      where r.flow_slug = find_runs.only_flow
        and r.started_at >= coalesce(find_runs.since, '-infinity')
        and r.started_at <= least(coalesce(find_runs.before_at, 'infinity'), find_runs.until)
        and (r.started_at < find_runs.until) is not false
        and ((r.started_at, r.run_id) < (find_runs.before_at, find_runs.before_id)) is not false
      order by r.started_at desc, r.run_id desc;
  else
    open v_cursor for
      select r.run_id, r.flow_slug, r.status, r.started_at,
        coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at, r.remaining_steps,
        left(r.error_message, 300) as error_message, left(r.cancel_reason, 300) as cancel_reason,
        case when r.status = 'started' then r.held_at end as held_at,
        case when r.status = 'started' then r.begins_at end as begins_at, r.input
      from pgflow.runs r
      where r.run_id < v_high and r.run_id >= v_low
      order by r.run_id desc;
  end if;

  loop
    fetch v_cursor into v_run;
    exit when not found;
    v_scanned := v_scanned + 1;
    if (find_runs.only_flow is null or v_run.flow_slug = find_runs.only_flow)
      and (find_runs.only_status is null or v_run.status = find_runs.only_status)
      and (v_run.run_id >= find_runs.id_from) is not false
      and (v_run.run_id < find_runs.id_below) is not false
      and (find_runs.only_error is null
        or coalesce(pgflow._error_key(v_run.error_message), '') = find_runs.only_error)
      and (find_runs.input_contains is null or v_run.input @> find_runs.input_contains)
      and (find_runs.in_input is null or strpos(lower(v_run.input::text), lower(find_runs.in_input)) > 0)
    then
      v_found := v_found + 1;
      run_id := v_run.run_id;
      flow_slug := v_run.flow_slug;
      status := v_run.status;
      started_at := v_run.started_at;
      ended_at := v_run.ended_at;
      remaining_steps := v_run.remaining_steps;
      step_count := (select count(*) from pgflow.steps s where s.flow_slug = v_run.flow_slug);
      error_message := v_run.error_message;
      cancel_reason := v_run.cancel_reason;
      held_at := v_run.held_at;
      begins_at := v_run.begins_at;
      waits_for := null;
      waits_until := null;
      if v_run.status = 'started' then
        select w.waits_for, w.waits_until into waits_for, waits_until from pgflow._run_wait(v_run.run_id) w;
      end if;
      return next;
      exit when v_found >= find_runs.max_runs;
    elsif v_scanned >= find_runs.max_scanned or clock_timestamp() > v_until then
      run_id := v_run.run_id;
      flow_slug := v_run.flow_slug;
      status := null;
      started_at := v_run.started_at;
      ended_at := null;
      remaining_steps := null;
      step_count := null;
      error_message := null;
      cancel_reason := null;
      held_at := null;
      begins_at := null;
      waits_for := null;
      waits_until := null;
      return next;
      exit;
    end if;
  end loop;
  close v_cursor;
end;
$$;
