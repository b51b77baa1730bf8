-- Says which rows rest on those of a table that somebody wants to delete, empty or give other keys.
create function pgflow._raise_orphans(table_name text, what text)
returns void
language plpgsql
as $$
begin
  raise exception 'Rows of pgflow.% cannot be %: rows of pgflow.% belong to them',
    table_name, what,
    case table_name when 'flows' then 'runs' when 'step_states' then 'step_tasks' else 'step_states' end
    using errcode = '23503',
      hint = 'Delete runs with prune_batch, and flows with delete_flow_and_data, which take everything along.';
end;
$$;
