-- for: client
-- What went into a run and what came out of it and its steps: a row for each value that is there. step_slug is
-- null for the run's own. A value that takes more than max_bytes where it is stored (compressed) is left out:
-- its row says how many it takes. null: no limit. With max_chars the value is null and the start of its JSON is
-- shown: null where it is left out, or cannot be written.
create function pgflow.get_run_values(run_id uuid, max_bytes int default null, max_chars int default null)
returns table (step_slug text, kind text, stored_bytes int, value jsonb, shown text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select v.step_slug, v.kind, v.stored_bytes,
    case
      when get_run_values.max_chars is null
        and v.stored_bytes <= coalesce(get_run_values.max_bytes, v.stored_bytes) then v.value
    end,
    case
      when get_run_values.max_chars is not null
        then pgflow._shown(v.value, get_run_values.max_bytes, get_run_values.max_chars)
    end
  from (
    select null::text as step_slug, 'input' as kind, pg_column_size(r.input) as stored_bytes, r.input as value
    from pgflow.runs r
    where r.run_id = get_run_values.run_id
    union all
    select null, 'output', pg_column_size(r.output), r.output
    from pgflow.runs r
    where r.run_id = get_run_values.run_id and r.output is not null
    union all
    select s.step_slug, 'output', pg_column_size(s.output), s.output
    from pgflow.step_states s
    where s.run_id = get_run_values.run_id and s.output is not null
  ) v;
end;
$$;
