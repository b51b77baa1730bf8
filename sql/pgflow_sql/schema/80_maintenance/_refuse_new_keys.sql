-- A key that other rows are found by stays as it is.
create function pgflow._refuse_new_keys()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_left boolean;
begin
  case tg_table_name
    when 'flows' then
      v_left := exists (select 1 from pgflow.runs r where r.flow_slug = old.flow_slug);
    when 'steps' then
      v_left := exists (
        select 1
        from pgflow.runs r
        join pgflow.step_states s on s.run_id = r.run_id and s.step_slug = old.step_slug
        where r.flow_slug = old.flow_slug
      );
    when 'runs' then
      v_left := exists (select 1 from pgflow.step_states s where s.run_id = old.run_id);
    else
      v_left := exists (
        select 1 from pgflow.step_tasks t where t.run_id = old.run_id and t.step_slug = old.step_slug
      );
  end case;
  if v_left then
    perform pgflow._raise_orphans(tg_table_name, 'given other keys');
  end if;
  return null;
end;
$$;
