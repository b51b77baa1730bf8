-- Keeps a timer, or the end of a child ('ended'), that could not be fired, with the error and a later time: after 2 s, 4 s, ... an hour at most.
create function pgflow._postpone(kind text, timer_id bigint, error_message text)
returns void
language plpgsql
as $$
begin
  if _postpone.kind = 'ended' then
    update pgflow.ended_children e
    set failures = e.failures + 1,
        error_message = left(_postpone.error_message, 2000),
        due_at = clock_timestamp() + pgflow._patience(e.failures)
    where e.ended_id = _postpone.timer_id;
    return;
  end if;
  update pgflow.timers t
  set failures = t.failures + 1,
      error_message = left(_postpone.error_message, 2000),
      due_at = clock_timestamp() + pgflow._patience(t.failures)
  where t.timer_id = _postpone.timer_id;
end;
$$;
