-- Nothing for PUBLIC; who may do what is granted by the migrator's roles.
revoke all on schema pgflow from public;
revoke all on all tables in schema pgflow from public;
revoke all on all functions in schema pgflow from public;
revoke all on type pgflow.step_task_record from public;
revoke all on type pgflow.task_result from public;
