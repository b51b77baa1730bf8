-- Refuses what a subflow step cannot have: it names the flow that does its work, which need not be there yet.
create function pgflow._check_subflow_options(options jsonb)
returns void
language plpgsql
immutable
as $$
begin
  if jsonb_typeof(options -> 'subflow') is distinct from 'string' or not pgflow.is_valid_slug(options ->> 'subflow') then
    raise exception 'subflow must be the slug of a flow, not %', coalesce(left(options ->> 'subflow', 100), 'missing')
      using errcode = 'PF011', hint = 'Name the flow whose runs do the work of the step.';
  end if;
  if options ->> 'subflow' ~ '__undo$|__end_' then
    raise exception 'Flow "%" is started by the core, when a run has ended', options ->> 'subflow'
      using errcode = 'PF011', hint = 'Name a flow of your own.';
  end if;
  if options ? 'max_depth' and not pgflow._is_whole(options -> 'max_depth', 1, 16) then
    raise exception 'max_depth must be a whole number from 1 to 16, not %', left(options ->> 'max_depth', 100)
      using errcode = 'PF011', hint = 'Leave it out where flows do not start each other in a circle.';
  end if;
  if options ? 'deadline' and not pgflow._is_whole(options -> 'deadline', 1, 31536000) then
    raise exception 'deadline must be a whole number of seconds from 1 to 31,536,000, not %',
      left(options ->> 'deadline', 100)
      using errcode = 'PF011', hint = 'Leave it out where the children may take as long as they like.';
  end if;
end;
$$;
