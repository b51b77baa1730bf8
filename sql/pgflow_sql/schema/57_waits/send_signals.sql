-- for: client
-- Sends payloads (null: JSON null) to signal steps of runs. One row an element, in their order: 'taken' (the step was
-- waiting, and completes with it), 'kept' (it is not ready yet, and takes the first one that was kept), 'full' (sixteen
-- are kept already), 'late' (the step or the run has ended), 'duplicate' (this run's step has had one with the same mark
-- dedupes[i]; null: none), 'no such run' or 'no such signal'. Elements are judged by what was there before the call, then
-- in their order. A payload must be an array where a map goes over it, else PF011; at most 1,000 runs a call.
create function pgflow.send_signals(
  run_ids uuid[], step_slugs text[], payloads jsonb[], dedupes text[] default null
)
returns table (run_id uuid, step_slug text, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outcomes text[];
begin
  perform pgflow._check_lengths(
    cardinality(send_signals.run_ids),
    array['step_slugs', 'payloads', 'dedupes'],
    array[
      cardinality(send_signals.step_slugs), cardinality(send_signals.payloads),
      coalesce(cardinality(send_signals.dedupes), cardinality(send_signals.run_ids))
    ]
  );
  perform pgflow._asked_runs(send_signals.run_ids);
  v_outcomes := pgflow._send_signals(
    send_signals.run_ids, send_signals.step_slugs, send_signals.payloads, send_signals.dedupes
  );
  return query
  select i.run_id, i.step_slug, i.outcome
  from unnest(send_signals.run_ids, send_signals.step_slugs, v_outcomes)
    with ordinality i(run_id, step_slug, outcome, position)
  order by i.position;
end;
$$;
