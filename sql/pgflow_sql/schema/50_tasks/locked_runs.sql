-- for: worker
-- Those of these runs that another transaction holds right now. A batch that had to wait for one of them too long
-- is reported without them.
create function pgflow.locked_runs(run_ids uuid[])
returns setof uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_free uuid[];
begin
  select array_agg(l.run_id) into v_free
  from (
    select r.run_id
    from pgflow.runs r
    where r.run_id = any(locked_runs.run_ids)
    order by r.run_id
    for no key update skip locked
  ) l;
  return query
  select r.run_id
  from pgflow.runs r
  where r.run_id = any(locked_runs.run_ids) and r.run_id <> all(coalesce(v_free, '{}'));
end;
$$;
