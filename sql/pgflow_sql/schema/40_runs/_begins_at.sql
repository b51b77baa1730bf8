-- When runs are to begin by the options of their start; null: at once. Refuses what is no such option, or no time.
create function pgflow._begins_at(options jsonb)
returns timestamptz
language plpgsql
as $$
declare
  v_options jsonb := pgflow._known_options('start', _begins_at.options, array['begins_at']);
  v_begins_at timestamptz := pgflow._instant(v_options -> 'begins_at');
begin
  if (v_options ? 'begins_at') and v_begins_at is null then
    raise exception 'begins_at is no time: %', left(v_options ->> 'begins_at', 100)
      using errcode = 'PF011', hint = 'Write it as 2026-03-01T12:30:00Z, with the offset from UTC.';
  end if;
  return case when v_begins_at > clock_timestamp() then v_begins_at end;
end;
$$;
