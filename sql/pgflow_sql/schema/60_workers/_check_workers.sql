-- A worker that recovery has judged dead is one that has to register again.
create function pgflow._check_workers(worker_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_worker_id uuid;
begin
  select g.worker_id into v_worker_id
  from unnest(_check_workers.worker_ids) g(worker_id)
  where not exists (select 1 from pgflow.workers w where w.worker_id = g.worker_id and w.died_at is null)
  limit 1;
  if found then
    raise exception 'Worker % is not registered', v_worker_id
      using errcode = 'PF009',
        hint = 'Call pgflow.register_worker first: this worker never did, its row was deleted, or it was silent for 30 seconds and taken for dead.';
  end if;
end;
$$;
