-- How far a zone's clocks are ahead of UTC at an instant.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._utc_offset(at timestamptz, timezone text)
returns interval
language sql
stable
as $$ select (_utc_offset.at at time zone _utc_offset.timezone) - (_utc_offset.at at time zone 'UTC') $$;
