-- What foreign keys on runs, step_states and step_tasks would see to, paid by who deletes, empties or re-keys instead of
-- by each start: refuses it while rows of another table rest on what is gone. The trigger says which rows those are: the
-- name of their table, and the condition under which such a child rests on a parent.
create function pgflow._refuse_orphans()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_child constant text := tg_argv[0];
  v_rests constant text := tg_argv[1];
  v_left boolean;
begin
  case tg_op
    when 'DELETE' then
      execute format('select exists (select 1 from gone parent join pgflow.%I child on %s)', v_child, v_rests) into v_left;
    when 'UPDATE' then
      execute format('select exists (select 1 from (select ($1).*) parent join pgflow.%I child on %s)', v_child, v_rests)
        using old into v_left;
    else  -- TRUNCATE, once all tables of the statement are empty
      execute format('select exists (select 1 from pgflow.%I)', v_child) into v_left;
  end case;
  if v_left then
    raise exception 'Rows of pgflow.% cannot be %: rows of pgflow.% belong to them',
      tg_table_name,
      case tg_op when 'DELETE' then 'deleted' when 'UPDATE' then 'given other keys' else 'emptied' end,
      v_child
      using errcode = '23503',
        hint = 'Delete runs with prune_batch, and flows with delete_flow_and_data, which take everything along.';
  end if;
  return null;
end;
$$;
