-- The runs that wait for a signal by this key, in whatever version of the flow, by ascending ids; null if there are none.
-- A bitmap scan needs a condition on its index. Any other may be planned while there are few keys, and read all of
-- them later: along the primary key, as sequential scans are off in who calls this.
create function pgflow._runs_by_key(family text, step_slug text, key text)
returns uuid[]
language plpgsql
set enable_seqscan = off
set enable_indexscan = off
set enable_indexonlyscan = off
as $$
begin
  return (
    select array_agg(k.run_id order by k.run_id)
    from pgflow.signal_keys k
    where left(k.key, 200) = left(_runs_by_key.key, 200)
      and k.key = _runs_by_key.key
      and k.step_slug = _runs_by_key.step_slug
      and k.family = _runs_by_key.family
  );
end;
$$;
