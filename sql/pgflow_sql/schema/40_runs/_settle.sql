-- Alternates conditions, taskless completion and the begin of steps without a handler over ready steps (pairs) until
-- nothing changes; returns the pairs that are to be started. Runs may have failed on the way: their pairs are left
-- out by _start_steps. A step without a handler ends at most once, so only empty maps need a limit.
create function pgflow._settle(
  run_ids uuid[], step_slugs text[], out start_run_ids uuid[], out start_step_slugs text[]
)
language plpgsql
as $$
declare
  v_round record;
  v_taskless record;
  v_waits record;
  v_run_ids uuid[] := run_ids;
  v_step_slugs text[] := step_slugs;
  v_round_count int := 0;
begin
  while v_run_ids is not null loop
    select * into v_round from pgflow._resolve_conditions(v_run_ids, v_step_slugs);
    start_run_ids := start_run_ids || v_round.start_run_ids;
    start_step_slugs := start_step_slugs || v_round.start_step_slugs;
    v_run_ids := null;
    v_step_slugs := null;

    if v_round.taskless_run_ids is not null then
      v_round_count := v_round_count + 1;
      perform pgflow._check_cascade(v_round_count);
      -- a run may have failed in a later round of conditions than the one that let its taskless step pass
      select t.ready_run_ids, t.ready_step_slugs into v_taskless
      from (
        select array_agg(p.run_id order by p.position) as run_ids,
          array_agg(p.step_slug order by p.position) as step_slugs
        from unnest(v_round.taskless_run_ids, v_round.taskless_step_slugs)
          with ordinality p(run_id, step_slug, position)
        join pgflow.runs r on r.run_id = p.run_id
        where r.status = 'started'
      ) e
      cross join lateral pgflow._complete_taskless(e.run_ids, e.step_slugs) t;
      v_run_ids := v_taskless.ready_run_ids;
      v_step_slugs := v_taskless.ready_step_slugs;
    end if;
    if v_round.wait_run_ids is not null then
      select * into v_waits from pgflow._begin_waits(v_round.wait_run_ids, v_round.wait_step_slugs);
      v_run_ids := v_run_ids || v_waits.ready_run_ids;
      v_step_slugs := v_step_slugs || v_waits.ready_step_slugs;
    end if;
  end loop;
end;
$$;
