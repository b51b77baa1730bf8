-- Writes what has to happen to these steps without a handler, and by what others find those that wait for a signal;
-- tells idle workers that a timer may be the next one. due_at[i] null: signal i has no deadline. Callers hold the runs.
create function pgflow._note_waits(
  flow_slugs text[], run_ids uuid[], step_slugs text[], kinds text[], due_at timestamptz[], keys text[]
)
returns void
language plpgsql
as $$
begin
  insert into pgflow.waiting_signals (flow_slug, run_id, step_slug, key, since, deadline_at)
  select w.flow_slug, w.run_id, w.step_slug, w.key, clock_timestamp(), w.due_at
  from unnest(
    _note_waits.flow_slugs, _note_waits.run_ids, _note_waits.step_slugs, _note_waits.kinds, _note_waits.due_at,
    _note_waits.keys
  ) w(flow_slug, run_id, step_slug, kind, due_at, key)
  where w.kind = 'signal';

  insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug)
  select greatest(w.due_at, clock_timestamp()), case w.kind when 'sleep' then 'sleep' else 'deadline' end, w.flow_slug,
    w.run_id, w.step_slug
  from unnest(
    _note_waits.flow_slugs, _note_waits.run_ids, _note_waits.step_slugs, _note_waits.kinds, _note_waits.due_at
  ) w(flow_slug, run_id, step_slug, kind, due_at)
  where w.due_at is not null;
  perform pgflow._notify(_note_waits.flow_slugs, null);
end;
$$;
