-- release_runs; with the filter by which they were chosen, null: by their ids.
create function pgflow._release_asked(run_ids uuid[], spread double precision, actor text, filter jsonb)
returns table (run_id uuid, outcome text)
language plpgsql
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(_release_asked.run_ids);
  v_spread constant double precision := pgflow._spread(_release_asked.spread);
  v_locked record;
  v_held uuid[];
  v_outcomes text[];
begin
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(r.run_id order by r.run_id) into v_held
  from pgflow.runs r
  where r.run_id = any(v_run_ids) and r.status = 'started' and r.held_at is not null;
  if v_held is not null then
    perform pgflow._release_held(v_held, v_spread);
  end if;

  v_outcomes := array(
    select case
      when l.run_id is null then 'no_such_run'
      when i.run_id = any(v_held) then 'released'
      else 'not_held'
    end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids) l(run_id) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action(
      'release', _release_asked.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object('spread', nullif(v_spread, 0), 'filter', pgflow._shown_filter(_release_asked.filter))
    );
  end if;
  return query select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;
