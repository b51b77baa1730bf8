-- cancel_runs; with the filter by which they were chosen, null: by their ids.
create function pgflow._cancel_asked(run_ids uuid[], reason text, actor text, filter jsonb)
returns table (run_id uuid, outcome text)
language plpgsql
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(_cancel_asked.run_ids);
  v_locked record;
  v_open uuid[];
  v_outcomes text[];
begin
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(l.run_id) into v_open
  from unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status)
  where l.status = 'started';
  if v_open is not null then
    perform pgflow._cancel_runs(v_open, _cancel_asked.reason);
  end if;

  v_outcomes := array(
    select case l.status when 'started' then 'cancelled' else coalesce('already_' || l.status, 'no_such_run') end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action(
      'cancel', _cancel_asked.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object(
        'reason', left(_cancel_asked.reason, 300), 'filter', pgflow._shown_filter(_cancel_asked.filter)
      )
    );
  end if;
  return query select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;
