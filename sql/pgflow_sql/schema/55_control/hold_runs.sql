-- for: operator
-- Holds started runs: what workers are at goes on and counts, nothing else of them is begun until they are released;
-- their time-outs go on. One row a run, in the order of the ids: 'held', 'already_held', 'already_completed',
-- 'already_failed', 'already_cancelled' (nothing was changed) or 'no_such_run'. At most 1,000 runs a call, else PF011.
create function pgflow.hold_runs(run_ids uuid[], actor text default null)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(hold_runs.run_ids);
  v_locked record;
  v_held_before uuid[];
  v_hold uuid[];
  v_outcomes text[];
begin
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(r.run_id) filter (where r.held_at is not null),
    array_agg(r.run_id) filter (where r.held_at is null)
  into v_held_before, v_hold
  from pgflow.runs r
  where r.run_id = any(v_run_ids) and r.status = 'started';
  if v_hold is not null then
    update pgflow.runs r set held_at = now() where r.run_id = any(v_hold);
    perform pgflow._keep_held(v_hold);
    perform pgflow._notify_control(array(
      select distinct t.flow_slug from pgflow.step_tasks t where t.run_id = any(v_hold) and t.status = 'started'
    ));
    perform pgflow._notify(null, v_hold);
  end if;

  v_outcomes := array(
    select case
      when l.status is null then 'no_such_run'
      when l.status <> 'started' then 'already_' || l.status
      when i.run_id = any(v_held_before) then 'already_held'
      else 'held'
    end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action('hold', hold_runs.actor, null, v_run_ids, v_outcomes, null);
  end if;
  return query select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;
