-- In place of foreign keys on runs, step_states and step_tasks: nothing fires where rows are written as they always are.
do $$
declare
  v_parent record;
begin
  for v_parent in
    select *
    from (values
      ('flows', 'flow_slug', 'old.flow_slug <> new.flow_slug'),
      ('steps', 'flow_slug, step_slug', '(old.flow_slug, old.step_slug) <> (new.flow_slug, new.step_slug)'),
      ('runs', 'run_id, flow_slug', '(old.run_id, old.flow_slug) <> (new.run_id, new.flow_slug)'),
      ('step_states', 'run_id, step_slug', '(old.run_id, old.step_slug) <> (new.run_id, new.step_slug)')
    ) p(name, keys, is_changed)
  loop
    execute format(
      'create trigger refuse_new_keys after update of %2$s on pgflow.%1$s
         for each row when (%3$s) execute function pgflow._refuse_new_keys()',
      v_parent.name, v_parent.keys, v_parent.is_changed
    );
    execute format(
      'create trigger refuse_orphans after delete on pgflow.%1$s
         referencing old table as gone for each statement execute function pgflow._refuse_orphans()',
      v_parent.name
    );
    execute format(
      'create trigger refuse_truncation after truncate on pgflow.%1$s
         for each statement execute function pgflow._refuse_truncation()',
      v_parent.name
    );
  end loop;
end;
$$;
