-- Pauses or resumes a flow; returns whether that changed anything.
create function pgflow._set_paused(flow_slug text, is_paused boolean, actor text)
returns boolean
language plpgsql
as $$
declare
  v_is_changed boolean;
begin
  update pgflow.prepared_flows p
  set is_paused = _set_paused.is_paused
  where p.flow_slug = _set_paused.flow_slug and p.is_paused <> _set_paused.is_paused;
  v_is_changed := found;
  perform pgflow._check_flows(array[_set_paused.flow_slug]);
  perform pgflow._note_action(
    case when _set_paused.is_paused then 'pause' else 'resume' end, actor, _set_paused.flow_slug, null, null,
    jsonb_build_object('changed', v_is_changed)
  );
  if v_is_changed and not _set_paused.is_paused then
    perform pgflow._notify(array[_set_paused.flow_slug], null);
  end if;
  return v_is_changed;
end;
$$;
