-- for: client
create view pgflow.waiting_runs as select * from pgflow.list_waiting_signals(max_count => 10000);

comment on view pgflow.waiting_runs is
  'Runs that wait for somebody to send a signal, those that wait longest first: the first 10,000 of what pgflow.list_waiting_signals lists.';
comment on column pgflow.waiting_runs.key is 'By what the run''s step can be found, where its signal has a key.';
comment on column pgflow.waiting_runs.deadline_at is 'When the step stops waiting; null: never.';
