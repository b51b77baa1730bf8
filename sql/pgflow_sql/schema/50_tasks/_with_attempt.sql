-- A task's attempt_errors with one more: [{"attempt", "at", "error"}], the first and the latest nine, their texts
-- cut. One that asked to run again says after how many seconds ("again_in"), and takes the place of one before it
-- that did: a task that polls leaves one entry.
create function pgflow._with_attempt(
  attempt_errors jsonb, attempt int, error_message text, again_in int
)
returns jsonb
language plpgsql
stable
as $$
declare
  v_errors jsonb := coalesce(_with_attempt.attempt_errors, '[]');
begin
  if _with_attempt.again_in is not null and v_errors -> -1 ? 'again_in' then
    v_errors := v_errors - (-1);
  end if;
  if jsonb_array_length(v_errors) >= 10 then
    v_errors := v_errors - 1;
  end if;
  return v_errors || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
    'attempt', _with_attempt.attempt,
    'at', now(),
    'error', left(_with_attempt.error_message, 2000),
    'again_in', _with_attempt.again_in
  )));
end;
$$;
