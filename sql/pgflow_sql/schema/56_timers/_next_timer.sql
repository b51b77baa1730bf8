-- When the next timer is due, or a parent to be told of the end of a child: null, there is none. One whose run somebody
-- else held a moment ago does not count.
create function pgflow._next_timer()
returns timestamptz
language plpgsql
volatile
as $$
begin
  return least((
    select t.due_at
    from pgflow.timers t
    where t.due_at >= coalesce((select f.due_at from pgflow.timer_floor f where f.is_only), '-infinity')
      and (t.tried_at is null or t.tried_at < clock_timestamp() - interval '200 milliseconds')
    order by t.due_at, t.timer_id
    limit 1
  ), (
    select e.due_at
    from pgflow.ended_children e
    where e.due_at >= coalesce((select f.ended_due_at from pgflow.timer_floor f where f.is_only), '-infinity')
      and (e.tried_at is null or e.tried_at < clock_timestamp() - interval '200 milliseconds')
    order by e.due_at, e.ended_id
    limit 1
  ));
end;
$$;
