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
  begin
    perform 1 from pgflow._fail(
      array[null::uuid], array[_fail_undeliverable.run_id], array[_fail_undeliverable.step_slug],
      array[_fail_undeliverable.task_index], array[null::int], array[v_words], array[false], null, false
    );
  exception when others then
    if pgflow._is_passing(sqlstate) then
      raise;
    end if;
    -- what when_exhausted asks for cannot be done either: claims must go on
    update pgflow.step_tasks t
    set status = 'failed', failed_at = greatest(now(), t.started_at), error_message = v_words
    where t.run_id = _fail_undeliverable.run_id
      and t.step_slug = _fail_undeliverable.step_slug
      and t.task_index = _fail_undeliverable.task_index;
    perform pgflow._archive(array[t.flow_slug], array[t.message_id])
    from pgflow.step_tasks t
    where t.run_id = _fail_undeliverable.run_id
      and t.step_slug = _fail_undeliverable.step_slug
      and t.task_index = _fail_undeliverable.task_index;
    perform pgflow._fail_runs(
      array[_fail_undeliverable.run_id], array[_fail_undeliverable.step_slug], array[v_words]
    );
    perform pgflow._notify(null, array[_fail_undeliverable.run_id]);
  end;
end;
$$;
