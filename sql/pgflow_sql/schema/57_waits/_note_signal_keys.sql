-- Writes under which keys the signal steps of these runs are found: those of which the run's input has a text or a number
-- at the path.
create function pgflow._note_signal_keys(run_ids uuid[])
returns void
language plpgsql
as $$
begin
  insert into pgflow.signal_keys (run_id, step_slug, family, key)
  select i.run_id, st.step_slug, pgflow._family(r.flow_slug), k.key
  from unnest(_note_signal_keys.run_ids) i(run_id)
  cross join lateral (select l.flow_slug, l.input from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (
    select l.step_slug, l.options
    from pgflow.steps l
    where l.flow_slug = r.flow_slug and l.kind = 'signal' and l.options ? 'key'
    offset 0
  ) st
  cross join lateral (select pgflow._value_at(st.options -> 'key', r.input) as value) v
  cross join lateral (
    select case jsonb_typeof(v.value)
      when 'string' then v.value #>> '{}'
      when 'number' then trim_scale((v.value #>> '{}')::numeric)::text
    end as key
  ) k
  where k.key is not null
  order by i.run_id, st.step_slug
  on conflict on constraint signal_keys_pkey do nothing;
end;
$$;
