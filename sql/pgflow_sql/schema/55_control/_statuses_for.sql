-- The statuses of runs that an action (null: any) can be done to.
create function pgflow._statuses_for(action text)
returns text[]
language plpgsql
immutable
as $$
begin
  case
    when action is null then
      return array['started', 'completed', 'failed', 'cancelled'];
    when action in ('cancel', 'hold', 'release') then
      return array['started'];
    when action = 'retry' then
      return array['failed', 'cancelled'];
    else
      raise exception 'There is no action "%"', left(action, 100)
        using errcode = 'PF011', hint = 'It is one of cancel, retry, hold, release, or null for any run.';
  end case;
end;
$$;
