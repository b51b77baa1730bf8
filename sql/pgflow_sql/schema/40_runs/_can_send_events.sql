-- Whether there is a realtime.send that we may call; one in a schema that somebody else has made is none. The catalogue
-- is asked right by right: names in a schema that we may not use are an error to look up.
create function pgflow._can_send_events()
returns boolean
language plpgsql
stable
as $$
declare
  v_send oid;
begin
  if not has_schema_privilege('realtime', 'usage') or not pgflow._is_trusted('realtime') then
    return false;
  end if;
  v_send := to_regprocedure('realtime.send(jsonb, text, text, boolean)');
  return v_send is not null and has_function_privilege(v_send, 'execute');
end;
$$;
