-- for: client
-- When a schedule fires next, up to so many times (100 at most), as if nothing were late; no rows while it is paused, or
-- where there is no such schedule of the flow, in whatever version.
create function pgflow.next_fires(flow_slug text, schedule_slug text, max_count int default 5)
returns setof timestamptz
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schedule record;
  v_fire timestamptz;
begin
  select s.spec, s.next_fire into v_schedule
  from pgflow.schedules s
  where s.family = pgflow._family(next_fires.flow_slug) and s.schedule_slug = next_fires.schedule_slug
    and not s.is_paused;
  v_fire := v_schedule.next_fire;
  for v_number in 1 .. least(next_fires.max_count, 100) loop
    exit when v_fire is null;
    return next v_fire;
    v_fire := pgflow._next_fire(v_schedule.spec, v_fire);
  end loop;
end;
$$;
