-- The last fire of a schedule up to a time, given one of them: halves what lies between.
create function pgflow._last_fire(spec jsonb, fire timestamptz, until timestamptz)
returns timestamptz
language plpgsql
stable
as $$
declare
  v_low timestamptz := fire;
  v_high timestamptz := until;
  v_next timestamptz;
begin
  loop
    v_next := pgflow._next_fire(spec, v_low);
    exit when (v_next <= until) is not true;
    v_low := v_next;
    v_next := pgflow._next_fire(spec, v_low + (v_high - v_low) / 2);
    if v_next <= until then
      v_low := v_next;
    else
      v_high := v_low + (v_high - v_low) / 2;
    end if;
  end loop;
  return v_low;
end;
$$;
