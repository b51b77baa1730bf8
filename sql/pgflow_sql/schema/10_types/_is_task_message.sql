-- Whether a message's body can be cast to a task's key; anyone can put something else into a queue. A pattern that
-- counts ("{8}") costs ten times what all of these take together.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._is_task_message(message jsonb)
returns boolean
language sql
immutable
as $$
  select coalesce(
    _is_task_message.message ->> 'run_id' like '________-____-____-____-____________'
      and length(replace(_is_task_message.message ->> 'run_id', '-', '')) = 32
      and _is_task_message.message ->> 'run_id' !~ '[^0-9a-fA-F-]'
      and jsonb_typeof(_is_task_message.message -> 'step_slug') = 'string'
      and length(_is_task_message.message ->> 'task_index') between 1 and 9
      and _is_task_message.message ->> 'task_index' !~ '[^0-9]',
    false
  );
$$;
