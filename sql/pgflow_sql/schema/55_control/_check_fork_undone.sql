-- What has been undone, or is about to be, cannot be taken over: refuses that, and names the steps. A run that has failed
-- or was cancelled undoes all it did.
create function pgflow._check_fork_undone(run_id uuid, reused_slugs text[])
returns void
language plpgsql
as $$
declare
  v_undone text[] := array(
    select u.step_slug
    from pgflow.runs r
    join pgflow.flows f on f.flow_slug = r.flow_slug
    cross join lateral jsonb_each(f.options #> '{undo,steps}') u(step_slug, rule)
    where r.run_id = _check_fork_undone.run_id
      and u.step_slug = any(_check_fork_undone.reused_slugs)
      and (
        r.status in ('failed', 'cancelled')
        and exists (select 1 from pgflow._undoable(r.run_id, u.step_slug, false))
        or exists (select 1 from pgflow._undone_before(r.run_id, u.step_slug, u.rule ->> 'by'))
      )
    order by u.step_slug
  );
begin
  if v_undone <> '{}' then
    raise exception 'These steps cannot be taken over, as the run undoes what they did: %',
      array_to_string(v_undone, ', ')
      using errcode = 'PF011', hint = 'Add them to from_steps.';
  end if;
end;
$$;
