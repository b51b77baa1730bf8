-- for: client
-- How far the steps of a run have come, those that have tasks. Cancelled: open when their step or run ended. Again:
-- attempts that ended by asking to run again; polling: tasks that wait for that now.
-- Waiting: tasks that wait for a time without a message, and when the first of them is due. Tolerated: failures that took
-- the place of outputs, which are among the completed. Round: of a loop that has asked for another, which one it is at.
create function pgflow.count_tasks(run_id uuid)
returns table (
  step_slug text, total bigint, completed bigint, started bigint, failed bigint, attempts bigint, cancelled bigint,
  again bigint, polling bigint, waiting bigint, due_at timestamptz, tolerated bigint, round int
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    t.step_slug,
    t.total,
    t.completed,
    case when t.open > 0 and o.over_at is not null then 0 else t.started end,
    t.failed,
    t.attempts,
    t.cancelled + case when o.over_at is not null then t.open else 0 end,
    t.again,
    case when o.over_at is not null then 0 else t.polling end,
    case when o.over_at is not null then 0 else t.waiting end,
    case when o.over_at is null and t.waiting > 0 then (
      select min(d.due_at)
      from pgflow.timers d
      where d.run_id = count_tasks.run_id and d.step_slug = t.step_slug and d.kind = 'wait'
    ) end,
    t.tolerated,
    t.round
  from (
    select
      l.step_slug,
      count(*) as total,
      count(*) filter (where l.status = 'completed') as completed,
      count(*) filter (where l.status = 'started') as started,
      count(*) filter (where l.status = 'failed') as failed,
      sum(l.attempts_count) as attempts,
      count(*) filter (where l.status = 'cancelled') as cancelled,
      count(*) filter (where l.status in ('queued', 'started')) as open,
      coalesce(sum(l.again_count), 0)::bigint as again,
      count(*) filter (
        where l.status = 'queued' and l.again_count is not null and l.attempts_count > l.forgiven_count
          and l.attempt_errors -> -1 ? 'again_in'
      ) as polling,
      count(*) filter (where l.status = 'queued' and l.waits_for in ('time', 'round')) as waiting,
      count(*) filter (where l.status = 'completed' and l.is_tolerated) as tolerated,
      max(l.round) as round
    from pgflow.step_tasks l
    where l.run_id = count_tasks.run_id
    group by l.step_slug
  ) t
  cross join lateral (
    select case when t.open > 0 then pgflow._over_at(count_tasks.run_id, t.step_slug) end as over_at
  ) o
  order by t.step_slug;
end;
$$;
