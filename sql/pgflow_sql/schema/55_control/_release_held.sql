-- Releases held runs, each after a random part of spread seconds. Callers hold them.
create function pgflow._release_held(run_ids uuid[], spread double precision)
returns void
language plpgsql
as $$
declare
  v_tasks record;
begin
  update pgflow.runs r set held_at = null where r.run_id = any(_release_held.run_ids);

  select array_agg(t.run_id order by t.position, t.step_slug collate "C", t.task_index) as run_ids,
    array_agg(t.step_slug order by t.position, t.step_slug collate "C", t.task_index) as step_slugs,
    array_agg(t.task_index order by t.position, t.step_slug collate "C", t.task_index) as task_indexes,
    array_agg(t.delay order by t.position, t.step_slug collate "C", t.task_index) as delays
  into v_tasks
  from (
    select l.run_id, l.step_slug, l.task_index, i.position, i.delay
    from (
      select g.run_id, g.position, random() * _release_held.spread as delay
      from unnest(_release_held.run_ids) with ordinality g(run_id, position)
      offset 0
    ) i
    cross join lateral (select * from pgflow.step_states k where k.run_id = i.run_id offset 0) s
    cross join lateral (
      select * from pgflow.step_tasks k where k.run_id = s.run_id and k.step_slug = s.step_slug offset 0
    ) l
    where s.status = 'started' and l.status = 'queued' and l.waits_for = 'hold'
  ) t;
  if v_tasks.run_ids is not null then
    perform pgflow._send_anew(v_tasks.run_ids, v_tasks.step_slugs, v_tasks.task_indexes, v_tasks.delays);
  end if;
  perform pgflow._notify(null, _release_held.run_ids);
end;
$$;
