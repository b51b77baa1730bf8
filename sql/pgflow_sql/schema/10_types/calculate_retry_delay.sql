-- for: pgflow
-- Seconds until the next attempt: base_delay x 2^attempts. What is applied is at most max_delay, and one day.
create function pgflow.calculate_retry_delay(base_delay numeric, attempts_count int)
returns int
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select floor(calculate_retry_delay.base_delay * power(2::numeric, calculate_retry_delay.attempts_count))::int;
$$;
