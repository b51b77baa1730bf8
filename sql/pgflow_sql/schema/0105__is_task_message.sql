-- Whether a message's body can be cast to a task's key; anyone can put something else into a queue.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._is_task_message(message jsonb)
returns boolean
language sql
immutable
as $$
  select coalesce(
    _is_task_message.message ->> 'run_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      and jsonb_typeof(_is_task_message.message -> 'step_slug') = 'string'
      and _is_task_message.message ->> 'task_index' ~ '^[0-9]{1,9}$',
    false
  );
$$;
