-- What has to happen to ready steps (pairs): verdict 'fail' (run fails), 'drop' (another step fails the run),
-- 'skip', 'skip-cascade' (condition unmet), 'taskless', 'wait' (no handler) or 'start'. Pairs that are not ready any more, or whose
-- run has ended, are left out. The only place that evaluates conditions.
create function pgflow._judge_steps(run_ids uuid[], step_slugs text[])
returns table (run_id uuid, step_slug text, verdict text)
language plpgsql
as $$
begin
  return query
  select
    j.run_id,
    j.step_slug,
    case
      when min(j.step_index) filter (where j.verdict = 'fail') over w is null then j.verdict
      when j.verdict = 'fail' and j.step_index = min(j.step_index) filter (where j.verdict = 'fail') over w
        then 'fail'
      else 'drop'
    end
  from (
    select
      s.run_id,
      s.step_slug,
      st.step_index,
      case
        when pgflow._has_condition(st) and pgflow._is_unmet(st, s.run_id, r.input) then st.when_unmet
        when st.kind in ('signal', 'sleep', 'pick') then 'wait'
        when s.initial_tasks = 0 then 'taskless'
        else 'start'
      end as verdict
    from unnest(_judge_steps.run_ids, _judge_steps.step_slugs) p(run_id, step_slug)
    cross join lateral (
      select * from pgflow.step_states s where s.run_id = p.run_id and s.step_slug = p.step_slug limit 1
    ) s
    cross join lateral (select r.status, r.input from pgflow.runs r where r.run_id = p.run_id limit 1) r
    cross join lateral (
      select * from pgflow.steps st where st.flow_slug = s.flow_slug and st.step_slug = p.step_slug limit 1
    ) st
    where r.status = 'started' and s.status = 'created' and s.remaining_deps = 0
  ) j
  window w as (partition by j.run_id)
  order by j.run_id, j.step_index;
end;
$$;
