-- hold_runs; with the filter by which they were chosen, null: by their ids.
create function pgflow._hold_asked(run_ids uuid[], actor text, filter jsonb)
returns table (run_id uuid, outcome text)
language plpgsql
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(_hold_asked.run_ids);
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
    perform pgflow._note_action(
      'hold', _hold_asked.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object('filter', pgflow._shown_filter(_hold_asked.filter))
    );
  end if;
  return query select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;
