-- Sees to the schedules of these timers, each for itself: one that raises is left for a later time, as other timers are.
-- Those that somebody else has at hand are passed over. One whose flow was deleted goes with it.
create function pgflow._fire_schedules(timer_ids bigint[], out fired_count int, out failed_count int)
language plpgsql
as $$
declare
  v_schedule pgflow.schedules;
begin
  fired_count := 0;
  failed_count := 0;
  delete from pgflow.schedules s
  using pgflow.timers t
  where t.timer_id = any(_fire_schedules.timer_ids)
    and s.family = t.payload ->> 'family' and s.schedule_slug = t.payload ->> 'schedule'
    and not exists (select 1 from pgflow.flows f where f.flow_slug = s.flow_slug);
  delete from pgflow.timers t
  where t.timer_id = any(_fire_schedules.timer_ids) and not exists (
    select 1
    from pgflow.schedules s
    where s.family = t.payload ->> 'family' and s.schedule_slug = t.payload ->> 'schedule'
  );
  for v_schedule in
    select s.*
    from pgflow.schedules s
    where (s.family, s.schedule_slug) in (
      select t.payload ->> 'family', t.payload ->> 'schedule'
      from pgflow.timers t
      where t.timer_id = any(_fire_schedules.timer_ids)
    )
    order by s.family, s.schedule_slug
    for update skip locked
  loop
    begin
      perform pgflow._fire_schedule(v_schedule);
      fired_count := fired_count + 1;
    exception when others then
      failed_count := failed_count + 1;
      perform pgflow._postpone('schedule', t.timer_id, format('%s (%s)', sqlerrm, sqlstate))
      from pgflow.timers t
      where t.timer_id = any(_fire_schedules.timer_ids)
        and t.payload = jsonb_build_object('family', v_schedule.family, 'schedule', v_schedule.schedule_slug);
    end;
  end loop;
end;
$$;
