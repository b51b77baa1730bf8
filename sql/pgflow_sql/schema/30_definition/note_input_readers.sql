-- for: worker
-- Notes which steps of a flow read the run's input (true) and which do not (false), as their programs say:
-- {"<step>": true | false}; fork_run asks. Steps that are not named, or not there, stay as they are. Returns how many
-- were noted anew. Raises PF001 for an unknown flow, PF011 for what is no such object.
create function pgflow.note_input_readers(flow_slug text, reads_input jsonb)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count int;
begin
  perform pgflow._check_flows(array[note_input_readers.flow_slug]);
  if jsonb_typeof(note_input_readers.reads_input) is distinct from 'object'
    or exists (
      select 1 from jsonb_each(note_input_readers.reads_input) e(slug, value)
      where jsonb_typeof(e.value) <> 'boolean'
    )
  then
    raise exception 'Which steps read the input is an object of true and false, not %',
      left(note_input_readers.reads_input::text, 100)
      using errcode = 'PF011', hint = 'Pass {"<step>": true} for steps that do, false for those that do not.';
  end if;
  perform 1 from pgflow.flows f where f.flow_slug = note_input_readers.flow_slug for no key update;
  update pgflow.steps s
  set options = s.options || jsonb_build_object('reads_input', e.value)
  from jsonb_each(note_input_readers.reads_input) e(slug, value)
  where s.flow_slug = note_input_readers.flow_slug
    and s.step_slug = e.slug
    and s.options -> 'reads_input' is distinct from e.value;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;
