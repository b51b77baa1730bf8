-- The runs a control function was asked for: each once, ascending, without nulls. More than a thousand are refused,
-- as all of a call's runs stay locked until it commits.
create function pgflow._asked_runs(run_ids uuid[])
returns uuid[]
language plpgsql
as $$
declare
  v_run_ids uuid[] := array(
    select distinct i.run_id from unnest(_asked_runs.run_ids) i(run_id) where i.run_id is not null order by i.run_id
  );
begin
  if cardinality(v_run_ids) > 1000 then
    raise exception '% runs are too many for one call', cardinality(v_run_ids)
      using errcode = 'PF011', hint = 'Pass at most 1,000 run ids a call, or call the function by filter.';
  end if;
  return v_run_ids;
end;
$$;
