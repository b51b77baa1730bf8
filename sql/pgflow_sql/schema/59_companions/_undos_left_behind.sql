-- Of these runs the undos whose runs have gone on since, or are about to: they would undo what is in use, or undo it twice.
-- Those runs stay as they are until the commit; where somebody else holds one, it counts as about to go on. null: none.
-- Callers hold the undos.
create function pgflow._undos_left_behind(run_ids uuid[])
returns uuid[]
language plpgsql
as $$
declare
  v_undos record;
  v_locked uuid[];
begin
  select array_agg(o.run_id) as run_ids, array_agg(o.from_run_id) as of_run_ids, array_agg(o.attempt) as numbers
  into v_undos
  from unnest(_undos_left_behind.run_ids) i(run_id)
  cross join lateral (select l.has_origin from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (
    select * from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'undo' limit 1
  ) o;
  if v_undos.run_ids is null then
    return null;
  end if;
  select array_agg(l.run_id) into v_locked
  from (
    select r.run_id from pgflow.runs r where r.run_id = any(v_undos.of_run_ids) order by r.run_id for share skip locked
  ) l;
  return (
    select array_agg(u.run_id)
    from unnest(v_undos.run_ids, v_undos.of_run_ids, v_undos.numbers) u(run_id, of_run_id, number)
    where pgflow._is_left_behind(u.of_run_id, u.number)
      or u.of_run_id = any(_undos_left_behind.run_ids)
      or (u.of_run_id = any(v_locked)) is not true
        and exists (select 1 from pgflow.runs r where r.run_id = u.of_run_id)
  );
end;
$$;
