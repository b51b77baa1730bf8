-- In place of foreign keys on runs, step_states and step_tasks: what rests on what. Nothing fires where rows are written
-- as they always are. States have no index by flow, so those of a step are found through its flow's runs.
do $$
declare
  v_parent record;
begin
  for v_parent in
    select *
    from (values
      ('flows', 'flow_slug', 'runs', 'child.flow_slug = parent.flow_slug'),
      (
        'steps', 'flow_slug, step_slug', 'step_states',
        'child.step_slug = parent.step_slug and child.run_id in (
           select r.run_id from pgflow.runs r where r.flow_slug = parent.flow_slug
         )'
      ),
      ('runs', 'run_id, flow_slug', 'step_states', 'child.run_id = parent.run_id'),
      ('step_states', 'run_id, step_slug', 'step_tasks',
       'child.run_id = parent.run_id and child.step_slug = parent.step_slug')
    ) p(name, keys, child, rests)
  loop
    execute format(
      'create trigger refuse_orphans after delete on pgflow.%1$I
         referencing old table as gone for each statement execute function pgflow._refuse_orphans(%2$L, %3$L)',
      v_parent.name, v_parent.child, v_parent.rests
    );
    execute format(
      'create trigger refuse_new_keys after update of %4$s on pgflow.%1$I
         for each row when ((%5$s) is distinct from (%6$s)) execute function pgflow._refuse_orphans(%2$L, %3$L)',
      v_parent.name, v_parent.child, v_parent.rests, v_parent.keys,
      'old.' || replace(v_parent.keys, ', ', ', old.'), 'new.' || replace(v_parent.keys, ', ', ', new.')
    );
    execute format(
      'create trigger refuse_truncation after truncate on pgflow.%1$I
         for each statement execute function pgflow._refuse_orphans(%2$L, %3$L)',
      v_parent.name, v_parent.child, v_parent.rests
    );
  end loop;
end;
$$;
