-- The schedule of a flow, any of its versions, for its caller alone. Raises PF001 where there is none.
create function pgflow._locked_schedule(flow_slug text, schedule_slug text)
returns pgflow.schedules
language plpgsql
as $$
declare
  v_schedule pgflow.schedules;
begin
  select s.* into v_schedule
  from pgflow.schedules s
  where s.family = pgflow._family(_locked_schedule.flow_slug) and s.schedule_slug = _locked_schedule.schedule_slug
  for update;
  if not found then
    raise exception 'Flow "%" has no schedule "%"',
      left(_locked_schedule.flow_slug, 200), left(_locked_schedule.schedule_slug, 200)
      using errcode = 'PF001', hint = 'Check both slugs; select * from pgflow.list_schedules() lists what there is.';
  end if;
  return v_schedule;
end;
$$;
