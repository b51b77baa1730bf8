-- retry_runs; with the filter by which they were chosen, null: by their ids.
create function pgflow._retry_asked(
  run_ids uuid[], spread double precision, options jsonb, actor text, filter jsonb
)
returns table (run_id uuid, outcome text, root_run_id uuid)
language plpgsql
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(_retry_asked.run_ids);
  v_spread constant double precision := pgflow._spread(_retry_asked.spread);
  v_locked record;
  v_ended uuid[];
  v_unawaited record;
  v_companions record;
  v_left_behind uuid[];
  v_options jsonb;
  v_task_count bigint;
  v_outcomes text[];
begin
  v_options := pgflow._known_options('retry', _retry_asked.options, array['even_if_undone']);
  if v_options ? 'even_if_undone' and jsonb_typeof(v_options -> 'even_if_undone') <> 'boolean' then
    raise exception 'even_if_undone must be true or false, not %', left(v_options ->> 'even_if_undone', 100)
      using errcode = 'PF011', hint = 'Leave it out to retry runs only that were not undone.';
  end if;
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(l.run_id) into v_ended
  from unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status)
  where l.status in ('failed', 'cancelled');
  select * into v_unawaited from pgflow._unawaited(v_ended);
  if v_unawaited.child_ids is not null then
    v_ended := array(select i.run_id from unnest(v_ended) i(run_id) where i.run_id <> all(v_unawaited.child_ids));
  end if;
  select c.busy_run_ids, case when not coalesce((v_options ->> 'even_if_undone')::boolean, false) then c.undone_run_ids end
    as undone_run_ids
  into v_companions
  from pgflow._companions_of(v_ended) c;
  if v_companions.busy_run_ids is not null or v_companions.undone_run_ids is not null then
    v_ended := array(
      select i.run_id
      from unnest(v_ended) i(run_id)
      where i.run_id <> all(coalesce(v_companions.busy_run_ids || v_companions.undone_run_ids, '{}'))
    );
  end if;
  v_left_behind := pgflow._undos_left_behind(v_ended);
  if v_left_behind is not null then
    v_ended := array(select i.run_id from unnest(v_ended) i(run_id) where i.run_id <> all(v_left_behind));
  end if;
  if cardinality(v_ended) > 0 then
    select sum(c.task_count) into v_task_count from unnest(pgflow._tasks_to_retry(v_ended)) c(task_count);
    if v_task_count > 50000 then
      raise exception '% tasks are too many to retry in one call', v_task_count
        using errcode = 'PF011', hint = 'Retry fewer runs a call; fork a run that has more than 50,000 tasks left.';
    end if;
    perform pgflow._retry_runs(v_ended, v_spread);
  end if;

  v_outcomes := array(
    select case
      when l.status is null then 'no_such_run'
      when l.status = 'started' then 'still_started'
      when l.status = 'completed' then 'already_completed'
      when i.run_id = any(v_unawaited.child_ids) then 'not_awaited'
      when i.run_id = any(v_companions.busy_run_ids) then 'companions_under_way'
      when i.run_id = any(v_companions.undone_run_ids) then 'was_undone'
      when i.run_id = any(v_left_behind) then 'left_behind'
      else 'retried'
    end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action(
      'retry', _retry_asked.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object('spread', nullif(v_spread, 0), 'filter', pgflow._shown_filter(_retry_asked.filter))
    );
  end if;
  return query
  select i.run_id, i.outcome, v_unawaited.root_ids[array_position(v_unawaited.child_ids, i.run_id)]
  from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;
