-- for: client, operator
-- Cancels runs for good, with their open steps and tasks; results that come later are stale. One row a run, in the
-- order of the ids: 'cancelled', 'already_completed', 'already_failed', 'already_cancelled' (nothing was changed) or
-- 'no_such_run'. actor: who the caller says it is, for the trail. At most 1,000 runs a call, else PF011.
create function pgflow.cancel_runs(run_ids uuid[], reason text default null, actor text default null)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(cancel_runs.run_ids);
  v_locked record;
  v_open uuid[];
  v_outcomes text[];
begin
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(l.run_id) into v_open
  from unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status)
  where l.status = 'started';
  if v_open is not null then
    perform pgflow._cancel_runs(v_open, cancel_runs.reason);
  end if;

  v_outcomes := array(
    select case l.status when 'started' then 'cancelled' else coalesce('already_' || l.status, 'no_such_run') end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action(
      'cancel', cancel_runs.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object('reason', left(cancel_runs.reason, 300))
    );
  end if;
  return query select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;
