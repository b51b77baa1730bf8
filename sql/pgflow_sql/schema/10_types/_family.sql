-- The flow whose version this is: its slug without the number of the version.
create function pgflow._family(flow_slug text)
returns text
language sql
immutable
as $$ select regexp_replace(_family.flow_slug, '_v[0-9]+$', '') $$;
