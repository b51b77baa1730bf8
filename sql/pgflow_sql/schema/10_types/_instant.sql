-- The time that a value of data means: a text as RFC 3339 has it, with an offset, or a number of seconds since 1970
-- up to the year 9999. Null for anything else; never raises.
create function pgflow._instant(value jsonb)
returns timestamptz
language plpgsql
stable
as $$
declare
  v_parts text[];
  v_seconds numeric;
begin
  if jsonb_typeof(_instant.value) = 'number' then
    v_seconds := (_instant.value #>> '{}')::numeric;
    if v_seconds >= 0 and v_seconds < 253402300800 then
      return to_timestamp(v_seconds::double precision);
    end if;
    return null;
  elsif jsonb_typeof(_instant.value) is distinct from 'string' then
    return null;
  end if;

  v_parts := regexp_match(
    left(_instant.value #>> '{}', 100),
    '^(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?)(?:([-+])((?:[01]\d|2[0-3]):[0-5]\d)|[Zz])$'
  );
  if v_parts is null then
    return null;
  end if;
  return (
    (v_parts[1] || ' ' || v_parts[2])::timestamp
    - coalesce((v_parts[3] || v_parts[4])::interval, interval '0')
  ) at time zone 'UTC';
exception when data_exception then
  return null;  -- a day that the month has not
end;
$$;
