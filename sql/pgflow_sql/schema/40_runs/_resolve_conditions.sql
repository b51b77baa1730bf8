-- Evaluates the conditions of ready steps (pairs) and of those that become ready because others are skipped,
-- each once, until none is left. Returns the pairs that may go on: with tasks (start), without (taskless), and those
-- without a handler (wait).
create function pgflow._resolve_conditions(
  run_ids uuid[],
  step_slugs text[],
  out start_run_ids uuid[],
  out start_step_slugs text[],
  out taskless_run_ids uuid[],
  out taskless_step_slugs text[],
  out wait_run_ids uuid[],
  out wait_step_slugs text[]
)
language plpgsql
as $$
declare
  v_todo_run_ids uuid[] := run_ids;
  v_todo_step_slugs text[] := step_slugs;
  v_round record;
begin
  while v_todo_run_ids is not null loop
    select
      array_agg(j.run_id) filter (where j.verdict = 'fail') as fail_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'fail') as fail_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'skip') as skip_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'skip') as skip_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'skip-cascade') as doom_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'skip-cascade') as doom_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'start') as go_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'start') as go_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'taskless') as empty_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'taskless') as empty_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'wait') as await_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'wait') as await_step_slugs
    into v_round
    from pgflow._judge_steps(v_todo_run_ids, v_todo_step_slugs) j;

    start_run_ids := start_run_ids || v_round.go_run_ids;
    start_step_slugs := start_step_slugs || v_round.go_step_slugs;
    taskless_run_ids := taskless_run_ids || v_round.empty_run_ids;
    taskless_step_slugs := taskless_step_slugs || v_round.empty_step_slugs;
    wait_run_ids := wait_run_ids || v_round.await_run_ids;
    wait_step_slugs := wait_step_slugs || v_round.await_step_slugs;
    v_todo_run_ids := null;

    if v_round.fail_run_ids is not null then
      perform pgflow._fail_runs(
        v_round.fail_run_ids, v_round.fail_step_slugs,
        array_fill('Condition not met'::text, array[cardinality(v_round.fail_run_ids)])
      );
    end if;
    if v_round.skip_run_ids is not null then
      perform pgflow._skip_steps(
        v_round.skip_run_ids, v_round.skip_step_slugs,
        array_fill('condition_unmet'::text, array[cardinality(v_round.skip_run_ids)])
      );
    end if;
    if v_round.doom_run_ids is not null then
      perform pgflow._force_skip(
        v_round.doom_run_ids, v_round.doom_step_slugs,
        array_fill('condition_unmet'::text, array[cardinality(v_round.doom_run_ids)])
      );
    end if;
    if v_round.skip_run_ids is not null then
      select d.ready_run_ids, d.ready_step_slugs into v_todo_run_ids, v_todo_step_slugs
      from pgflow._release_dependents(
        pgflow._flows_of(v_round.skip_run_ids), v_round.skip_run_ids, v_round.skip_step_slugs, null, false, null
      ) d;
    end if;
  end loop;
end;
$$;
