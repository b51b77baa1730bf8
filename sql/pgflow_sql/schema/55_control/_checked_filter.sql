-- A filter of runs without keys that are null, its statuses as an array. Refuses unknown keys, wrong values, and what
-- would read every run there is: texts and inputs are looked for in one flow and one time only.
create function pgflow._checked_filter(filter jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
  c_texts constant text[] := array[
    'flow', 'started_after', 'started_before', 'failed_step', 'error_contains', 'error_key'
  ];
  c_statuses constant text[] := array['started', 'completed', 'failed', 'cancelled'];
  v_filter jsonb;
  v_wrong text;
begin
  if jsonb_typeof(_checked_filter.filter) is distinct from 'object' then
    raise exception 'A filter of runs is an object, not %', coalesce(left(_checked_filter.filter::text, 100), 'null')
      using errcode = 'PF011', hint = 'Pass keys and what they must be: {"flow": "...", "status": "failed"}.';
  end if;
  select coalesce(jsonb_object_agg(e.key, e.value), '{}') into v_filter
  from jsonb_each(_checked_filter.filter) e
  where e.value <> 'null';

  select k.key into v_wrong
  from jsonb_object_keys(v_filter) k(key)
  where k.key <> all(c_texts || array['status', 'input_contains'])
  limit 1;
  if found then
    raise exception 'Runs cannot be chosen by "%"', left(v_wrong, 100)
      using errcode = 'PF011',
        hint = format('A filter has some of: %s.', array_to_string(c_texts || array['status', 'input_contains'], ', '));
  end if;
  select e.key into v_wrong
  from jsonb_each(v_filter) e
  where e.key = any(c_texts) and jsonb_typeof(e.value) <> 'string'
  limit 1;
  if found then
    raise exception '% must be a text, not %', v_wrong, left((v_filter -> v_wrong)::text, 100)
      using errcode = 'PF011', hint = 'Times are texts as 2026-03-01T12:30:00Z.';
  end if;

  if jsonb_typeof(v_filter -> 'status') = 'string' then
    v_filter := v_filter || jsonb_build_object('status', jsonb_build_array(v_filter -> 'status'));
  end if;
  if (v_filter ? 'status') and (
    jsonb_typeof(v_filter -> 'status') <> 'array' or not v_filter -> 'status' <@ to_jsonb(c_statuses)
  ) then
    raise exception 'status cannot be %', left((_checked_filter.filter -> 'status')::text, 100)
      using errcode = 'PF011', hint = format('It is one of %s, or a list of these.', array_to_string(c_statuses, ', '));
  end if;
  begin
    perform (v_filter ->> 'started_after')::timestamptz, (v_filter ->> 'started_before')::timestamptz;
  exception when data_exception then
    raise exception 'started_after or started_before is no time: %', left(sqlerrm, 200)
      using errcode = 'PF011', hint = 'Write it as 2026-03-01T12:30:00Z.';
  end;
  if v_filter ? 'flow' then
    perform pgflow._check_flows(array[v_filter ->> 'flow']);
  end if;
  if v_filter ?| array['error_contains', 'input_contains', 'error_key']
    and not v_filter ?& array['flow', 'started_after']
  then
    raise exception 'Texts and inputs are looked for in the runs of one flow and one time only'
      using errcode = 'PF011', hint = 'Give flow and started_after as well.';
  end if;
  return v_filter;
end;
$$;
