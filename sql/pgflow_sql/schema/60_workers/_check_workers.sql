create function pgflow._check_workers(worker_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_worker_id uuid;
begin
  select g.worker_id into v_worker_id
  from unnest(_check_workers.worker_ids) g(worker_id)
  where not exists (select 1 from pgflow.workers w where w.worker_id = g.worker_id)
  limit 1;
  if found then
    raise exception 'Worker % is not registered', v_worker_id
      using errcode = 'PF009', hint = 'Call pgflow.register_worker first; rows of dead workers are pruned.';
  end if;
end;
$$;
