-- Who waits for a notification on which channel, and until when: idle workers ('pgflow_work_<flow>') and
-- watching clients ('pgflow_run_<id>'). Nobody waits: nothing is notified. Losing it in a crash is harmless,
-- announcements are renewed. No foreign keys: it must not stand in the way of deleting anything.
create unlogged table pgflow.announcements (
  channel text not null,
  announcer_id uuid not null,
  valid_until timestamptz not null,
  constraint announcements_pkey primary key (channel, announcer_id)
) with (fillfactor = 50);
