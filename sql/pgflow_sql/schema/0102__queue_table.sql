-- pgmq lower-cases table names; prefix is 'q' (queue) or 'a' (archive).
create function pgflow._queue_table(flow_slug text, prefix text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$ select _queue_table.prefix || '_' || lower(_queue_table.flow_slug) $$;
