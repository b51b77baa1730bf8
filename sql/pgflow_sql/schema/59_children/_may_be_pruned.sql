-- Whether an ended run may be deleted as far as its family is concerned: not before its children, nor while it is kept for
-- the sake of companions; and a child goes with its parent where that has ended, or before it where it goes on and does not
-- wait for the child. Ancestors stay as they are until the commit; where somebody else holds one, the answer is no.
create function pgflow._may_be_pruned(run_id uuid, has_origin boolean, end_count int, cutoff timestamptz)
returns boolean
language plpgsql
as $$
declare
  v_origin pgflow.origins;
  v_parent record;
begin
  if exists (select 1 from pgflow.origins o where o.kind = 'child' and o.from_run_id = _may_be_pruned.run_id) then
    return false;
  end if;
  if (has_origin or end_count is not null)
    and pgflow._is_companion_kept(_may_be_pruned.run_id, _may_be_pruned.has_origin, _may_be_pruned.cutoff)
  then
    return false;
  end if;
  if has_origin is not true then
    return true;
  end if;
  select * into v_origin from pgflow.origins o where o.run_id = _may_be_pruned.run_id and o.kind = 'child';
  while found loop
    select r.status, coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at into v_parent
    from pgflow.runs r
    where r.run_id = v_origin.from_run_id
    for share skip locked;
    if not found then
      return not exists (select 1 from pgflow.runs r where r.run_id = v_origin.from_run_id);
    elsif v_parent.status = 'started' then
      return not pgflow._is_awaited(
        v_origin.from_run_id, v_origin.step_slug, v_origin.task_index, v_origin.attempt
      );
    elsif v_parent.ended_at >= cutoff then
      return false;
    end if;
    select * into v_origin from pgflow.origins o where o.run_id = v_origin.from_run_id and o.kind = 'child';
  end loop;
  return true;
end;
$$;
