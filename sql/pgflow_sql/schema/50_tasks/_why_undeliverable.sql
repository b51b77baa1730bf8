-- Words for a task whose input cannot be handed over: which step, how large, what to do.
create function pgflow._why_undeliverable(run_id uuid, step_slug text, reason text)
returns text
language plpgsql
as $$
declare
  v_output record;
  v_bytes bigint := 0;
  v_count int := 0;
begin
  for v_output in
    select s.output
    from pgflow.step_states l
    join pgflow.deps d on d.flow_slug = l.flow_slug and d.step_slug = l.step_slug
    join pgflow.step_states s on s.run_id = l.run_id and s.step_slug = d.dep_slug
    where l.run_id = _why_undeliverable.run_id and l.step_slug = _why_undeliverable.step_slug
  loop
    v_count := v_count + 1;
    begin
      v_bytes := v_bytes + coalesce(octet_length(v_output.output::text), 0);
    exception when others then
      v_bytes := v_bytes + pg_column_size(v_output.output);
    end;
  end loop;
  return format(
    'InputTooLarge: the input of step "%s" cannot be handed over: %s%s. Store large data elsewhere and hand over '
      || 'where it is.',
    _why_undeliverable.step_slug,
    case when v_count > 0 then format(
      'the outputs of its %s dependencies take %s bytes of JSON; ', v_count,
      trim(to_char(v_bytes, '999,999,999,999'))
    ) end,
    _why_undeliverable.reason
  );
end;
$$;
