-- After a flow's options were altered: what its timeouts were before counts for tasks that have started already.
create function pgflow._keep_longer_timeouts(flow_slug text, timeouts int[])
returns void
language sql
as $$
  update pgflow.prepared_flows p
  set longer_timeouts = g.longest,
      -- a minute more, for tasks that are being started this moment with what there was before
      shortened_at = clock_timestamp() + interval '1 minute'
  from (
    select array_agg(greatest(u.before, case when l.shortened_at > now() - make_interval(secs => u.longer + 60)
      then u.longer end) order by u.position) as longest
    from pgflow.prepared_flows l
    cross join unnest(_keep_longer_timeouts.timeouts, l.timeouts, l.longer_timeouts)
      with ordinality u(before, after, longer, position)
    where l.flow_slug = _keep_longer_timeouts.flow_slug
    having bool_or(u.before > u.after)
  ) g
  where p.flow_slug = _keep_longer_timeouts.flow_slug;
$$;
