-- Fails the maps (pairs, with the sizes of their outputs) whose outputs are too large to be one value, and their runs,
-- whatever when_exhausted says: in each run the first. Their tasks fail with them, so that a retry of the run does all of
-- them again; what they did is undone all the same. Callers hold the runs.
create function pgflow._fail_outgrown(run_ids uuid[], step_slugs text[], sizes bigint[])
returns void
language plpgsql
as $$
declare
  v_failed record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(f.run_id) as run_ids, array_agg(f.step_slug) as step_slugs, array_agg(format(
    'OutputTooLarge: the outputs of the tasks of step "%s" take %s bytes of JSON together, at most 104,857,600 can be '
      || 'kept. Store large data elsewhere and hand over where it is.',
    f.step_slug, trim(to_char(f.bytes, '999,999,999,999,999'))
  )) as messages
  into v_failed
  from (
    select distinct on (g.run_id) g.run_id, g.step_slug, g.bytes
    from unnest(_fail_outgrown.run_ids, _fail_outgrown.step_slugs, _fail_outgrown.sizes) g(run_id, step_slug, bytes)
    where (select r.status from pgflow.runs r where r.run_id = g.run_id) = 'started'
    order by g.run_id, g.step_slug collate "C"
  ) f;
  if v_failed.run_ids is null then
    return;
  end if;

  perform pgflow._note_done(v_failed.run_ids, v_failed.step_slugs);
  update pgflow.step_tasks t
  set status = 'failed', completed_at = null, failed_at = t.completed_at, output = null, is_tolerated = null,
      error_message = f.error_message
  from (
    select *
    from unnest(v_failed.run_ids, v_failed.step_slugs, v_failed.messages) g(run_id, step_slug, error_message)
    limit v_all
  ) f
  where t.run_id = f.run_id and t.step_slug = f.step_slug and t.status = 'completed';
  perform pgflow._fail_runs(v_failed.run_ids, v_failed.step_slugs, v_failed.messages);
end;
$$;
