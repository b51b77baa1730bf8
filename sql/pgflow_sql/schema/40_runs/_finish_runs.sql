-- Lowers remaining_steps by the number of times a run is listed (unless count_steps is false) and completes
-- the started runs that have nothing left, with the outputs of their completed leaf steps.
-- Where the flows have carried large values, a run whose outputs do not fit into one value fails instead. Where they
-- have time-outs for whole runs, those end with the run; has_timeouts is true also where something follows its end.
create function pgflow._finish_runs(
  run_ids uuid[], count_steps boolean, has_large_values boolean default true, has_timeouts boolean default true
)
returns void
language plpgsql
as $$
declare
  v_finished uuid[];
  v_followed uuid[];  -- of these: somebody has to hear of it, or something follows
  v_all bigint;  -- see 00_model/model.sql
begin
  if has_large_values then
    perform pgflow._finish_large_runs(_finish_runs.run_ids, _finish_runs.count_steps, has_timeouts);
    return;
  end if;

  with finished as (
    update pgflow.runs r
    set remaining_steps = r.remaining_steps - c.step_count,
        status = case when r.status = 'started' and r.remaining_steps = c.step_count
          then 'completed' else r.status end,
        completed_at = case when r.status = 'started' and r.remaining_steps = c.step_count
          then greatest(now(), r.started_at) else r.completed_at end,
        output = case when r.status = 'started' and r.remaining_steps = c.step_count
          then (
            select jsonb_object_agg(s.step_slug, coalesce(s.output, 'null'))
            from pgflow.step_states s
            where s.run_id = r.run_id
              and s.status = 'completed'
              and not exists (
                select 1 from pgflow.deps d where d.flow_slug = s.flow_slug and d.dep_slug = s.step_slug
              )
          )
          else r.output end
    from (
      select l.run_id, case when _finish_runs.count_steps then count(*)::int else 0 end as step_count
      from unnest(_finish_runs.run_ids) l(run_id)
      group by l.run_id
      limit v_all
    ) c
    where r.run_id = c.run_id
      and (c.step_count > 0 or (r.status = 'started' and r.remaining_steps = 0))
    returning r.run_id, r.status, r.remaining_steps, r.has_origin
  )
  select array_agg(f.run_id order by f.run_id) filter (where f.status = 'completed' and f.remaining_steps = 0),
    array_agg(f.run_id) filter (where f.has_origin and f.status = 'completed' and f.remaining_steps = 0)
  into v_finished, v_followed
  from finished f;

  if v_finished is not null then
    if to_regnamespace('realtime') is not null then
      perform pgflow._send_events('run:completed', v_finished);
    end if;
    if has_timeouts then
      perform pgflow._drop_timers(v_finished);
      v_followed := v_followed || pgflow._runs_with_ends(v_finished);
    end if;
    if v_followed is not null then
      perform pgflow._note_ends(array(select distinct i.run_id from unnest(v_followed) i(run_id)));
    end if;
  end if;
end;
$$;
