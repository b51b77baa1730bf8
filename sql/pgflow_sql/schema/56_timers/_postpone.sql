-- Keeps a timer that could not be fired, with the error and a later time: after 2 s, 4 s, ... an hour at most.
create function pgflow._postpone(timer_id bigint, error_message text)
returns void
language plpgsql
as $$
begin
  update pgflow.timers t
  set failures = t.failures + 1,
      error_message = left(_postpone.error_message, 2000),
      due_at = clock_timestamp()
        + make_interval(secs => least(power(2::double precision, least(t.failures + 1, 20)), 3600))
  where t.timer_id = _postpone.timer_id;
end;
$$;
