-- A flow, step, run or step's state that rows of runs, step_states or step_tasks rest on is not deleted: what foreign
-- keys there would see to, paid by who deletes instead of by each start.
create function pgflow._refuse_orphans()
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
      v_left := exists (
        select 1 from gone g where exists (select 1 from pgflow.runs r where r.flow_slug = g.flow_slug)
      );
    when 'steps' then
      v_left := exists (
        select 1
        from gone g
        join pgflow.runs r on r.flow_slug = g.flow_slug
        join pgflow.step_states s on s.run_id = r.run_id and s.step_slug = g.step_slug
      );
    when 'runs' then
      v_left := exists (
        select 1 from gone g where exists (select 1 from pgflow.step_states s where s.run_id = g.run_id)
      );
    else
      v_left := exists (
        select 1
        from gone g
        where exists (
          select 1 from pgflow.step_tasks t where t.run_id = g.run_id and t.step_slug = g.step_slug
        )
      );
  end case;
  if v_left then
    perform pgflow._raise_orphans(tg_table_name, 'deleted');
  end if;
  return null;
end;
$$;
