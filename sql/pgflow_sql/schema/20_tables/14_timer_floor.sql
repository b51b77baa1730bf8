-- Where the look for due timers, and for children that have ended, begins: none is due before, but for those that a long
-- transaction wrote. Index entries of what has fired stay for as long as any snapshot is old, and would be walked over at each
-- look. At most one row; none is no floor.
create table pgflow.timer_floor (
  is_only boolean not null default true,
  due_at timestamptz not null,
  ended_due_at timestamptz,  -- of ended_children
  looked_at timestamptz not null,  -- when somebody last looked below
  constraint timer_floor_pkey primary key (is_only),
  constraint timer_floor_is_only_check check (is_only)
) with (fillfactor = 10);
