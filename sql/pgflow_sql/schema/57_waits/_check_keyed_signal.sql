-- Refuses a step that no version of the flow has as a signal with a key.
create function pgflow._check_keyed_signal(flow_slug text, step_slug text)
returns void
language plpgsql
as $$
declare
  v_versions text[] := array(
    select f.flow_slug
    from pgflow.flows f
    where pgflow._family(f.flow_slug) = pgflow._family(_check_keyed_signal.flow_slug)
  );
begin
  if v_versions = '{}' then
    perform pgflow._check_flows(array[_check_keyed_signal.flow_slug]);
  end if;
  if not exists (
    select 1
    from pgflow.steps s
    where s.flow_slug = any(v_versions) and s.step_slug = _check_keyed_signal.step_slug
      and s.kind = 'signal' and s.options ? 'key'
  ) then
    raise exception 'Flow "%" has no signal "%" with a key',
      left(_check_keyed_signal.flow_slug, 200), left(_check_keyed_signal.step_slug, 200)
      using errcode = 'PF011', hint = 'Send it by the ids of runs, or give the signal a key.';
  end if;
end;
$$;
