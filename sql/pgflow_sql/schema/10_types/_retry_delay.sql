-- The delay really applied: the strategy's formula, capped before the cast so that it never overflows.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._retry_delay(backoff text, base_delay int, max_delay int, attempts_count int)
returns int
language sql
immutable
as $$
  select least(
    case _retry_delay.backoff
      when 'fixed' then _retry_delay.base_delay::numeric
      -- 2^31 already exceeds every cap
      else floor(_retry_delay.base_delay * power(2::numeric, least(_retry_delay.attempts_count, 31)))
    end,
    _retry_delay.max_delay,
    86400
  )::int;
$$;
