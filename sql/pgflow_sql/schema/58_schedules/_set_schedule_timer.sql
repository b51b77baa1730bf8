-- Lets a schedule be looked at when it is to fire next, or later: then instead of whatever was to happen before. null:
-- never. Callers hold its row.
create function pgflow._set_schedule_timer(family text, schedule_slug text, flow_slug text, due_at timestamptz)
returns void
language plpgsql
as $$
begin
  delete from pgflow.timers t
  where t.kind = 'schedule' and t.run_id is null
    and t.payload = jsonb_build_object(
      'family', _set_schedule_timer.family, 'schedule', _set_schedule_timer.schedule_slug
    );
  if _set_schedule_timer.due_at is not null then
    perform pgflow._set_timers(
      'schedule', array[_set_schedule_timer.due_at], array[_set_schedule_timer.flow_slug], array[null::uuid], null, null,
      array[jsonb_build_object('family', _set_schedule_timer.family, 'schedule', _set_schedule_timer.schedule_slug)]
    );
  end if;
end;
$$;
