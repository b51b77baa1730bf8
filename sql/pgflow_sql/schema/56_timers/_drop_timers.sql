-- Removes what is to happen to whole runs (step_slugs is null) or to the tasks of some steps (pairs): timers, and by which
-- others find them to send a signal. Children that nobody waits for are cancelled all the same. Callers hold the runs.
create function pgflow._drop_timers(run_ids uuid[], step_slugs text[] default null)
returns void
language plpgsql
as $$
begin
  if step_slugs is null then
    delete from pgflow.timers t where t.run_id = any(_drop_timers.run_ids) and t.kind <> 'cancel_children';
    delete from pgflow.waiting_signals w where w.run_id = any(_drop_timers.run_ids);
    delete from pgflow.signal_keys k where k.run_id = any(_drop_timers.run_ids);
  else
    delete from pgflow.timers t
    using unnest(_drop_timers.run_ids, _drop_timers.step_slugs) p(run_id, step_slug)
    where t.run_id = p.run_id and t.step_slug = p.step_slug and t.kind <> 'cancel_children';
    delete from pgflow.waiting_signals w
    using unnest(_drop_timers.run_ids, _drop_timers.step_slugs) p(run_id, step_slug)
    where w.run_id = p.run_id and w.step_slug = p.step_slug;
  end if;
end;
$$;
