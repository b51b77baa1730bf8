-- Until when an announcement holds: whoever is gone would be notified all that time, so an hour at most.
create function pgflow._seconds_from_now(seconds int)
returns timestamptz
language sql
volatile
as $$
  select clock_timestamp()
    + make_interval(secs => least(greatest(coalesce(_seconds_from_now.seconds, 0), 0), 3600));
$$;
