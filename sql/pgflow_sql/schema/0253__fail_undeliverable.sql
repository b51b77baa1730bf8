-- Fails a task that this transaction has started and whose input cannot be handed over, by when_exhausted. Whoever
-- claims has messages and no run, whoever completes locks in the opposite order: so this never waits for the run.
create function pgflow._fail_undeliverable(run_id uuid, step_slug text, task_index int, reason text)
returns void
language plpgsql
as $$
declare
  v_words text;
begin
  perform 1 from pgflow.runs r where r.run_id = _fail_undeliverable.run_id for no key update skip locked;
  if not found then
    perform pgflow._unstart(
      array[_fail_undeliverable.run_id], array[_fail_undeliverable.step_slug],
      array[_fail_undeliverable.task_index], 1
    );
    return;
  end if;
  v_words := pgflow._why_undeliverable(
    _fail_undeliverable.run_id, _fail_undeliverable.step_slug, _fail_undeliverable.reason
  );
  perform 1 from pgflow._fail(
    array[null::uuid], array[_fail_undeliverable.run_id], array[_fail_undeliverable.step_slug],
    array[_fail_undeliverable.task_index], array[null::int], array[v_words], array[false], null, false
  );
end;
$$;
