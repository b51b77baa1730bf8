-- Sends signals and returns their outcomes, see send_signals.
create function pgflow._send_signals(run_ids uuid[], step_slugs text[], payloads jsonb[], dedupes text[])
returns text[]
language plpgsql
as $$
declare
  v_outcomes text[];
  v_taken record;
begin
  if exists (select 1 from unnest(_send_signals.dedupes) d(mark) where length(d.mark) > 200) then
    raise exception 'A mark against repetition (dedupe) has at most 200 characters'
      using errcode = 'PF011', hint = 'Use an id of what is sent, or a digest of it.';
  end if;
  perform pgflow._lock_runs(_send_signals.run_ids);
  perform pgflow._check_payloads(_send_signals.run_ids, _send_signals.step_slugs, _send_signals.payloads);
  v_outcomes := pgflow._judge_signals(_send_signals.run_ids, _send_signals.step_slugs, _send_signals.dedupes);

  insert into pgflow.signals (run_id, step_slug, payload, dedupe, taken_at)
  select g.run_id, g.step_slug, case g.outcome when 'kept' then coalesce(g.payload, 'null') end, g.dedupe,
    case g.outcome when 'taken' then clock_timestamp() end
  from unnest(
    _send_signals.run_ids, _send_signals.step_slugs, _send_signals.payloads, _send_signals.dedupes, v_outcomes
  ) with ordinality g(run_id, step_slug, payload, dedupe, outcome, position)
  where g.outcome = 'kept' or g.outcome = 'taken' and g.dedupe is not null
  order by g.position;

  select array_agg(g.run_id) as run_ids, array_agg(g.step_slug) as step_slugs,
    array_agg(coalesce(g.payload, 'null')) as payloads
  into v_taken
  from unnest(_send_signals.run_ids, _send_signals.step_slugs, _send_signals.payloads, v_outcomes)
    g(run_id, step_slug, payload, outcome)
  where g.outcome = 'taken';
  if v_taken.run_ids is not null then
    perform pgflow._end_waits(v_taken.run_ids, v_taken.step_slugs, v_taken.payloads);
  end if;
  return v_outcomes;
end;
$$;
