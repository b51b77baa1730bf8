-- for: worker
-- Does what is due, at most max_count timers, and tells parents of ten times as many children that have ended, one caller
-- at a time: others return at once. next_in: seconds until the next one is due, 0 if one is now (call again at once),
-- null if there is none; one whose run somebody else holds is left out for 200 ms. failed_count: timers that could not be fired and are kept for a later time.
create function pgflow.fire_timers(max_count int default 100)
returns table (fired_count int, failed_count int, next_in double precision)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '300ms'
as $$
declare
  v_due record;
  v_ended record;    -- children that are
  v_run_ids uuid[];  -- of those due: held by us, or gone
  v_kind record;
  v_single record;
  v_next timestamptz;
  v_is_elsewhere boolean := false;  -- a schedule that is due, and somebody else has at hand
begin
  fired_count := 0;
  failed_count := 0;
  if not pg_try_advisory_xact_lock(hashtextextended('pgflow.timers', 0)) then
    next_in := 0.2;
    return next;
    return;
  end if;

  select * into v_due
  from pgflow._due_timers(least(greatest(coalesce(max_count, 100), 0), 1000));
  if v_due.schedule_ids is not null then
    select * into v_single from pgflow._fire_schedules(v_due.schedule_ids);
    fired_count := v_single.fired_count;
    failed_count := v_single.failed_count;
    if fired_count + failed_count > 0 then
      v_due.timer_ids := null;  -- in a call of their own: who holds a schedule waits for runs
      v_due.run_ids := null;
    else
      v_is_elsewhere := v_due.timer_ids is null;
    end if;
  end if;
  select * into v_ended from pgflow._due_children(
    least(greatest(coalesce(max_count, 100)::bigint, 0) * 10, 1000)::int, v_due.is_whole
  );
  if v_due.timer_ids is not null or v_ended.ended_ids is not null then
    -- A statement of its own: what is read below must be what others have committed meanwhile.
    select array_agg(l.run_id) into v_run_ids
    from (
      select r.run_id
      from pgflow.runs r
      where r.run_id = any(v_due.run_ids || v_ended.run_ids)
      order by r.run_id
      for no key update skip locked
    ) l;
    if v_run_ids is null and v_due.schedule_ids is null and v_ended.run_ids is not null then
      v_run_ids := pgflow._await_run(v_ended.first_run_id);
    end if;
    v_run_ids := v_run_ids || array(
      select i.run_id
      from unnest(v_due.run_ids || v_ended.run_ids) i(run_id)
      where not exists (select 1 from pgflow.runs r where r.run_id = i.run_id)
    );

    for v_kind in
      select l.kind, array_agg(l.timer_id order by l.timer_id) as timer_ids
      from (
        select t.kind, t.timer_id
        from pgflow.timers t
        where t.timer_id = any(v_due.timer_ids) and t.run_id = any(v_run_ids) and t.due_at <= clock_timestamp()
        for update skip locked
      ) l
      group by l.kind
      union all
      select 'ended', array_agg(e.ended_id order by e.ended_id)
      from (select * from pgflow.ended_children l where l.ended_id = any(v_ended.ended_ids) offset 0) e
      where e.run_id = any(v_run_ids)
      having count(*) > 0
      order by kind
    loop
      begin
        perform pgflow._fire(v_kind.kind, v_kind.timer_ids);
        fired_count := fired_count + cardinality(v_kind.timer_ids);
      exception when others then
        select * into v_single from pgflow._fire_one_by_one(v_kind.kind, v_kind.timer_ids);
        fired_count := fired_count + v_single.fired_count;
        failed_count := failed_count + v_single.failed_count;
      end;
    end loop;

    -- Last, as whoever holds these runs may wait for these rows.
    update pgflow.timers t
    set tried_at = clock_timestamp()
    where t.timer_id = any(array(
      select l.timer_id
      from pgflow.timers l
      where l.timer_id = any(v_due.timer_ids) and (l.run_id = any(v_run_ids)) is not true
      for update skip locked
    ));
    update pgflow.ended_children e
    set tried_at = clock_timestamp()
    where e.ended_id = any(v_ended.ended_ids) and (e.run_id = any(v_run_ids)) is not true;
  end if;
  if v_due.timer_ids is not null or v_due.schedule_ids is not null or v_ended.ended_ids is not null or v_due.is_whole then
    perform pgflow._raise_floor(v_due.is_whole);
  end if;

  v_next := pgflow._next_timer();
  if v_next is not null then
    next_in := greatest(
      extract(epoch from v_next - clock_timestamp()), case when v_is_elsewhere then 0.2 else 0 end
    );
  end if;
  return next;
end;
$$;
