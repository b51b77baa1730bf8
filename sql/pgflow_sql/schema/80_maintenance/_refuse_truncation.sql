-- As _refuse_orphans for TRUNCATE, once all tables of the statement are empty.
create function pgflow._refuse_truncation()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_left boolean := case tg_table_name
    when 'flows' then exists (select 1 from pgflow.runs)
    when 'step_states' then exists (select 1 from pgflow.step_tasks)
    else exists (select 1 from pgflow.step_states)
  end;
begin
  if v_left then
    perform pgflow._raise_orphans(tg_table_name, 'emptied');
  end if;
  return null;
end;
$$;
