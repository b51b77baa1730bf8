-- for: pgflow
-- Seconds until the next attempt: base_delay x 2^attempts. What is applied is at most max_delay, and one day.
create function pgflow.calculate_retry_delay(base_delay numeric, attempts_count int)
returns int
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when calculate_retry_delay.base_delay in ('NaN', 'Infinity') then 2147483647
    -- an integer of 31 bits holds nothing beyond 2^31, nor anything of what is smaller than 2^-31
    else floor(least(greatest(
      least(greatest(calculate_retry_delay.base_delay, -2147483648), 2147483647)
        * power(2::numeric, least(greatest(calculate_retry_delay.attempts_count, -1000), 31)),
      -2147483648), 2147483647))
  end::int;
$$;
