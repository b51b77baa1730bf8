-- pgmq lower-cases table names; prefix is 'q' (queue) or 'a' (archive).
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._queue_table(flow_slug text, prefix text)
returns text
language sql
immutable
as $$ select _queue_table.prefix || '_' || lower(_queue_table.flow_slug) $$;
