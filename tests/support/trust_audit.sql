-- Every change of a status, noted by triggers of the test's own: what the core cannot take back afterwards.
create schema trust;
create table trust.transitions (
  id bigint generated always as identity primary key,
  kind text not null, run_id uuid not null, step_slug text, task_index int, old text, new text
);

create function trust.note_run() returns trigger language plpgsql as $$
begin
  insert into trust.transitions (kind, run_id, old, new) values ('run', new.run_id, old.status, new.status);
  return null;
end;
$$;
create function trust.note_step() returns trigger language plpgsql as $$
begin
  insert into trust.transitions (kind, run_id, step_slug, old, new)
  values ('step', new.run_id, new.step_slug, old.status, new.status);
  return null;
end;
$$;
create function trust.note_task() returns trigger language plpgsql as $$
begin
  insert into trust.transitions (kind, run_id, step_slug, task_index, old, new)
  values ('task', new.run_id, new.step_slug, new.task_index, old.status, new.status);
  return null;
end;
$$;
create trigger note after update on pgflow.runs
for each row when (old.status is distinct from new.status) execute function trust.note_run();
create trigger note after update on pgflow.step_states
for each row when (old.status is distinct from new.status) execute function trust.note_step();
create trigger note after update on pgflow.step_tasks
for each row when (old.status is distinct from new.status) execute function trust.note_task();

-- Whatever left a final status, or reached one twice.
create view trust.faults as
select 'left ' || t.old as fault, t.kind, t.run_id, t.step_slug, t.task_index
from trust.transitions t
where t.old in ('completed', 'failed', 'skipped')
union all
select t.new || ' twice', t.kind, t.run_id, t.step_slug, t.task_index
from trust.transitions t
where t.new in ('completed', 'failed', 'skipped')
group by t.new, t.kind, t.run_id, t.step_slug, t.task_index
having count(*) > 1;
