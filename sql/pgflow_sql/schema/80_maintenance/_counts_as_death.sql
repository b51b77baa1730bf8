-- Whether losing this task counts against it: its worker is dead, and did not die with it before, or it never
-- reported in time.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._counts_as_death(task pgflow.step_tasks, dead_ids uuid[])
returns boolean
language sql
immutable
as $$
  select (task.last_worker_id = any(dead_ids) and task.last_worker_id = any(task.killed_workers)) is not true;
$$;
