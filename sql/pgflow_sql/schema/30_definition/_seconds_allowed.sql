-- How long a task that started then may take: a timeout that was shortened meanwhile does not count for it.
create function pgflow._seconds_allowed(
  prepared pgflow.prepared_flows, step_slug text, started_at timestamptz
)
returns int
language sql
immutable
as $$
  select greatest(
    (_seconds_allowed.prepared).timeouts[
      array_position((_seconds_allowed.prepared).step_slugs, _seconds_allowed.step_slug)
    ],
    case when _seconds_allowed.started_at < (_seconds_allowed.prepared).shortened_at then
      (_seconds_allowed.prepared).longer_timeouts[
        array_position((_seconds_allowed.prepared).step_slugs, _seconds_allowed.step_slug)
      ]
    end
  );
$$;
