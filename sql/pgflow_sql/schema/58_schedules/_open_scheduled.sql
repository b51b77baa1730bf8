-- The runs of a schedule that are under way, among the hundred it started last.
create function pgflow._open_scheduled(schedule pgflow.schedules)
returns uuid[]
language plpgsql
as $$
begin
  return (
    select array_agg(o.run_id)
    from (
      select l.run_id
      from pgflow.origins l
      where l.kind = 'schedule' and l.family = schedule.family and l.schedule_slug = schedule.schedule_slug
      order by l.fire_at desc
      limit 100
    ) o
    cross join lateral (select l.status from pgflow.runs l where l.run_id = o.run_id limit 1) r
    where r.status = 'started'
  );
end;
$$;
