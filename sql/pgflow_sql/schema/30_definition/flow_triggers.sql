-- What follows a flow and its steps: the row of prepared_flows, and the functions of its queue.
create trigger prepare_flows after insert on pgflow.flows
  referencing new table as changed for each statement execute function pgflow._prepare_flows();
create trigger prepare_changed_flows after update on pgflow.flows
  referencing new table as changed for each statement execute function pgflow._prepare_flows();
create trigger prepare_flows after insert on pgflow.steps
  referencing new table as changed for each statement execute function pgflow._prepare_flows();
create trigger prepare_changed_flows after update on pgflow.steps
  referencing new table as changed for each statement execute function pgflow._prepare_flows();
create trigger prepare_former_flows after update on pgflow.steps
  referencing old table as changed for each statement execute function pgflow._prepare_flows();
create trigger prepare_shortened_flows after delete on pgflow.steps
  referencing old table as changed for each statement execute function pgflow._prepare_flows();
create trigger make_queue_functions after insert on pgflow.flows
  for each row execute function pgflow._make_queue_functions();
create trigger drop_queue_functions after delete on pgflow.flows
  for each row execute function pgflow._drop_queue_functions();
