-- for: pgflow
-- Taskless completion alone, without conditions; internally _settle alternates both.
create function pgflow.cascade_complete_taskless_steps(run_id uuid)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run_ids uuid[];
  v_step_slugs text[];
  v_round_count int := 0;
  v_step_count int := 0;
begin
  perform 1 from pgflow.runs r where r.run_id = cascade_complete_taskless_steps.run_id for no key update;

  select array_agg(s.run_id), array_agg(s.step_slug) into v_run_ids, v_step_slugs
  from pgflow.step_states s
  where s.run_id = cascade_complete_taskless_steps.run_id;

  loop
    select
      array_agg(s.run_id order by s.step_slug collate "C"),
      array_agg(s.step_slug order by s.step_slug collate "C")
    into v_run_ids, v_step_slugs
    from unnest(v_run_ids, v_step_slugs) p(run_id, step_slug)
    cross join lateral (
      select * from pgflow.step_states l where l.run_id = p.run_id and l.step_slug = p.step_slug limit 1
    ) s
    cross join lateral (
      select l.status from pgflow.runs l where l.run_id = p.run_id and l.begins_at is null limit 1
    ) r
    where r.status = 'started' and s.status = 'created' and s.remaining_deps = 0 and s.initial_tasks = 0;
    exit when v_run_ids is null;

    v_round_count := v_round_count + 1;
    perform pgflow._check_cascade(v_round_count);
    v_step_count := v_step_count + cardinality(v_run_ids);
    select c.ready_run_ids, c.ready_step_slugs into v_run_ids, v_step_slugs
    from pgflow._complete_taskless(v_run_ids, v_step_slugs) c;
  end loop;
  perform pgflow._notify(null, array[cascade_complete_taskless_steps.run_id]);
  return v_step_count;
end;
$$;
