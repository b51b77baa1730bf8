-- When a sleep until something of its run's input, or of a dependency's output, is over; null: that is no time.
create function pgflow._wakes_at(run_id uuid, until jsonb)
returns timestamptz
language plpgsql
as $$
declare
  v_value jsonb;
begin
  if until ->> 0 = 'flow_input' then
    select r.input into v_value from pgflow.runs r where r.run_id = _wakes_at.run_id;
  else
    select s.output into v_value
    from pgflow.step_states s
    where s.run_id = _wakes_at.run_id and s.step_slug = until ->> 0;
  end if;
  return pgflow._instant(pgflow._value_at(until - 0, v_value));
end;
$$;
