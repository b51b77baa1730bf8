-- Retries children in place, for parents that wait for them again. One that has been undone is not taken up again: its
-- parent's attempt has failed, and the next makes another. Returns those that are seen to; the companions of the others are
-- not over. Callers hold the children.
create function pgflow._retry_children(run_ids uuid[])
returns uuid[]
language plpgsql
as $$
declare
  v_companions record;
  v_seen_to uuid[];
  v_retried uuid[];
begin
  select coalesce(c.busy_run_ids, '{}') as busy, coalesce(c.undone_run_ids, '{}') as undone
  into v_companions
  from pgflow._companions_of(_retry_children.run_ids) c;
  v_seen_to := array(select i.run_id from unnest(_retry_children.run_ids) i(run_id) where i.run_id <> all(v_companions.busy));
  insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
  select o.from_run_id, o.step_slug, o.task_index, o.attempt, o.run_id
  from pgflow.origins o
  where o.run_id = any(v_seen_to) and o.run_id = any(v_companions.undone) and o.kind = 'child';
  v_retried := array(select i.run_id from unnest(v_seen_to) i(run_id) where i.run_id <> all(v_companions.undone));
  if v_retried <> '{}' then
    perform pgflow._retry_runs(v_retried, 0);
  end if;
  return v_seen_to;
end;
$$;
