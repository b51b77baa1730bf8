-- ---- schema/00_model/model.sql
-- The SQL core of pgflow: a state machine for runs of directed acyclic graphs.
--
--   flows 1-* steps, joined by deps         what was defined (never changes while runs go on, options apart)
--   runs 1-* step_states 1-* step_tasks     what is being executed
--   prepared_flows                          what moving runs on needs of a flow, derived, one row read by key
--   workers                                 who executes; the fence is (last_worker_id, attempts_count)
--   pgmq queue "<flow_slug>"                one message per open task; archived when the task ends
--
-- A step is ready when it is 'created', has no remaining_deps and its initial_tasks are known. A ready step
-- without tasks (an empty map) completes at once; one with tasks starts: its tasks and messages are written. A step
-- without a handler (a sleep, a signal) starts too, with one thing to wait for instead of tasks: _begin_waits.
-- A task of a subflow step starts another run, its child, with what its handler gave, and waits for it: the child's end
-- writes a row of ended_children, and whoever fires timers hands it to the parent.
-- The last task of a step completes the step, which lowers remaining_deps of its dependents and
-- remaining_steps of the run; at zero the run completes with the outputs of its leaf steps.
--
-- Who calls whom (public -> internal, the rules stand in the internal ones):
--   start_flow, start_flows ------------> _start_flows ------------------+
--   complete_task, complete_tasks ------> _complete --> _advance --------+--> _settle (conditions, taskless)
--   fail_task, fail_tasks, recover_* ---> _fail ------> _advance --------+--> _start_steps, _spawn_tasks
--   start_tasks, claim_tasks -----------> _start_tasks -> _hand_out      +--> _finish_runs
--   cancel_runs ------------------------> _cancel_runs (the only one that stores 'cancelled')
--   retry_runs -------------------------> _retry_runs -> _retry_tasks, _start_ready --> _settle
--   fork_run ---------------------------> _insert_fork, _start_ready
--   send_signals -----------------------> _judge_signals, _end_waits --> _advance
--   fire_timers ------------------------> _fire --> _fire_<kind> (sleeps, deadlines: as send_signals)
--                                           _fire_ended_children --> _complete, _fail (of the parent)
--
-- How it stays right:
--   * Whatever changes a run's states locks its run row first (for no key update, several runs by id), in a
--     statement of its own, then reads. So decrements are never lost and every later lock is uncontended.
--   * Nobody holds a child and waits for its parent, or the other way round: an end is told by way of ended_children, and
--     fire_timers, which cancels and retries children while it holds their parent, passes over those that others hold.
--   * Claiming takes no run lock: it owns the messages (skip locked) and moves tasks 'queued' -> 'started'. So whoever
--     changes rows of queued tasks archives their messages first: that waits for whoever is claiming them.
--   * Who is alive is judged in one place (_bury_workers), by signs of life that claims and results write as well;
--     whoever was judged dead gets nothing (_note_life) until it has registered again.
--   * What one task or run cannot hold is its own trouble: handing tasks out catches what building an input raises
--     and measures inputs one by one (_hand_out, _deliver); a claim that fails a task takes its run's lock with skip
--     locked, as it holds messages, which those who hold runs wait for.
--   * Timestamps are greatest(now(), <the earlier column>): a transaction may see rows younger than its now().
--
-- How it stays fast:
--   * Sets, not loops: every statement handles all tasks of all runs of a call. Joins go from an unnested
--     array to primary keys, in separate statements (generic plans turn CTE-to-CTE joins quadratic).
--   * Which table drives a join must not depend on statistics: they say that hardly any run is 'started', and
--     a plan made while the tables were empty lives as long as its session. So every lookup by key from an
--     array stands in a lateral subquery of its own (limit 1, offset 0), and an update joins its table to one
--     subquery "limit v_all", where v_all is null: no limit, but one whose value the planner does not know,
--     so that it expects few rows and probes the key.
--   * No index holds a column that changes with every transition, not even in a predicate: updates stay HOT.
--   * Started tasks are found by their messages, of which those delivered have an index (_index_delivered): what
--     merely waits costs nothing. A message that goes back to its queue counts as unread (_send_back).
--   * A task is found by the primary key in its message's body, so message_id needs no index.
--   * What a statement costs before its first row counts when it moves a single task: a flow is looked up in one
--     row (prepared_flows), its queue is spoken to through functions of its own (_make_queue_functions), whose
--     plans are kept, the rules of a table stand in one function (_run_is_sound), and internal functions set
--     nothing: the public ones that call them have pinned the search_path and the planner's settings.
--     Functions of one row are assigned (v := f()), which starts no plan as "select into" does; an "exists" that hangs on
--     something else stands in an if of its own, as a condition with a query in it always starts its plan.
--   * An element of a map's array is stored with its task: claiming it costs the same at any array length.
--
-- Functions that workers and clients call run with their owner's rights (security definer) and nothing is
-- granted to PUBLIC. Their search_path is "pg_catalog, pg_temp", not the empty one: with an empty path the
-- caller's temporary schema is searched *first* for types, so that a temporary domain named uuid would run its
-- owner's check with our rights.
create schema if not exists pgflow;

-- ---- schema/00_model/oldest_program.sql
-- for: worker, client
-- The oldest version of a worker and of a client that this core still serves. A program's version is the number of
-- the last core migration it knows; an older one refuses to start.
create function pgflow.oldest_program()
returns table (worker int, client int)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$ select 1, 1 $$;

-- ---- schema/00_model/schema_version.sql
-- for: worker, client
-- The number of the last core migration this schema equals.
create function pgflow.schema_version()
returns int
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$ select 1 $$;

-- ---- schema/10_types/_ago.sql
-- The time so long ago; where PostgreSQL has none that early or late, before or after all others. null: null.
create function pgflow._ago(span interval)
returns timestamptz
language plpgsql
stable
as $$
begin
  return now() - _ago.span;
exception when data_exception then
  return case when _ago.span > interval '0' then '-infinity'::timestamptz else 'infinity'::timestamptz end;
end;
$$;

-- ---- schema/10_types/_check_lengths.sql
-- Arrays of one call describe the same elements; NULL counts as a missing array.
create function pgflow._check_lengths(expected int, names text[], lengths int[])
returns void
language plpgsql
as $$
declare
  v_wrong record;
begin
  select a.name, a.length into v_wrong
  from unnest(_check_lengths.names, _check_lengths.lengths) a(name, length)
  where a.length is distinct from _check_lengths.expected
  limit 1;
  if found then
    raise exception '% has % elements, run_ids has %',
      v_wrong.name, coalesce(v_wrong.length::text, 'no'), coalesce(_check_lengths.expected::text, 'none')
      using errcode = 'PF005', hint = 'Pass arrays of equal length, one element per task.';
  end if;
end;
$$;

-- ---- schema/10_types/_distinct.sql
-- Each of these slugs once, sorted; in nearly every call all are the same.
create function pgflow._distinct(slugs text[])
returns text[]
language plpgsql
immutable
as $$
begin
  if _distinct.slugs[1] = all(_distinct.slugs) then
    return _distinct.slugs[1:1];
  end if;
  return array(select distinct s.slug from unnest(_distinct.slugs) s(slug) order by s.slug);
end;
$$;

-- ---- schema/10_types/_error_key.sql
-- What failures have in common: the first line of a message, its ids and numbers made the same.
create function pgflow._error_key(error_message text)
returns text
language sql
immutable
as $$
  select regexp_replace(
    left(split_part(_error_key.error_message, E'\n', 1), 300),
    '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+', '#', 'gi'
  );
$$;

-- ---- schema/10_types/_family.sql
-- The flow whose version this is: its slug without the number of the version.
create function pgflow._family(flow_slug text)
returns text
language sql
immutable
as $$ select regexp_replace(_family.flow_slug, '_v[0-9]+$', '') $$;

-- ---- schema/10_types/_first_run_id.sql
-- The smallest id that pgflow makes at a time or later (see new_run_id): a time as a bound of the runs' key.
create function pgflow._first_run_id(at timestamptz)
returns uuid
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select encode(
    overlay(decode('00000000000070008000000000000000', 'hex')
      placing substring(
        int8send(greatest(floor(least(extract(epoch from _first_run_id.at), 2e11) * 1000), 0)::bigint) from 3)
      from 1 for 6),
    'hex')::uuid;
$$;

-- ---- schema/10_types/_instant.sql
-- The time that a value of data means: a text as RFC 3339 has it, with an offset, or a number of seconds since 1970
-- up to the year 9999. Null for anything else; never raises.
create function pgflow._instant(value jsonb)
returns timestamptz
language plpgsql
stable
as $$
declare
  v_parts text[];
  v_seconds numeric;
begin
  if jsonb_typeof(_instant.value) = 'number' then
    v_seconds := (_instant.value #>> '{}')::numeric;
    if v_seconds >= 0 and v_seconds < 253402300800 then
      return to_timestamp(v_seconds::double precision);
    end if;
    return null;
  elsif jsonb_typeof(_instant.value) is distinct from 'string' then
    return null;
  end if;

  v_parts := regexp_match(
    left(_instant.value #>> '{}', 100),
    '^(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?)(?:([-+])((?:[01]\d|2[0-3]):[0-5]\d)|[Zz])$'
  );
  if v_parts is null then
    return null;
  end if;
  return (
    (v_parts[1] || ' ' || v_parts[2])::timestamp
    - coalesce((v_parts[3] || v_parts[4])::interval, interval '0')
  ) at time zone 'UTC';
exception when data_exception then
  return null;  -- a day that the month has not
end;
$$;

-- ---- schema/10_types/_is_passing.sql
-- Whether an error of this SQLSTATE says nothing about the data at hand: conflicts, a full disk, a server that
-- stops, a lock or a time-out. Repeating the same may well succeed.
create function pgflow._is_passing(sqlstate text)
returns boolean
language sql
immutable
as $$
  select left(_is_passing.sqlstate, 2) in ('08', '25', '40', '55', '57', '58')
    or _is_passing.sqlstate in ('53100', '53300', '53400');
$$;

-- ---- schema/10_types/_is_path.sql
-- Whether a JSON value is a path: an array of one or more keys.
create function pgflow._is_path(value jsonb)
returns boolean
language plpgsql
immutable
as $$
begin
  if jsonb_typeof(_is_path.value) is distinct from 'array' then
    return false;
  end if;
  return jsonb_array_length(_is_path.value) > 0
    and not exists (select 1 from jsonb_array_elements(_is_path.value) k(key) where jsonb_typeof(k.key) <> 'string');
end;
$$;

-- ---- schema/10_types/_is_task_message.sql
-- Whether a message's body can be cast to a task's key; anyone can put something else into a queue. A pattern that
-- counts ("{8}") costs ten times what all of these take together.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._is_task_message(message jsonb)
returns boolean
language sql
immutable
as $$
  select coalesce(
    _is_task_message.message ->> 'run_id' like '________-____-____-____-____________'
      and length(replace(_is_task_message.message ->> 'run_id', '-', '')) = 32
      and _is_task_message.message ->> 'run_id' !~ '[^0-9a-fA-F-]'
      and jsonb_typeof(_is_task_message.message -> 'step_slug') = 'string'
      and length(_is_task_message.message ->> 'task_index') between 1 and 9
      and _is_task_message.message ->> 'task_index' !~ '[^0-9]',
    false
  );
$$;

-- ---- schema/10_types/_is_trusted.sql
-- Whether what is in a schema may run with our rights: its owner could act as us anyway. Whoever may create
-- schemas can take a name that we look for, and not only before we came.
create function pgflow._is_trusted(schema_name text)
returns boolean
language sql
stable
as $$
  select coalesce(
    (
      select pg_has_role(n.nspowner, current_user, 'member')
      from pg_namespace n
      where n.nspname = _is_trusted.schema_name
    ),
    false
  );
$$;

-- ---- schema/10_types/_is_whole.sql
-- Whether a JSON value is a whole number within bounds; never raises.
create function pgflow._is_whole(value jsonb, lowest int, highest int)
returns boolean
language plpgsql
immutable
as $$
begin
  if jsonb_typeof(_is_whole.value) is distinct from 'number' then
    return false;
  end if;
  return (_is_whole.value #>> '{}')::numeric between lowest and highest
    and (_is_whole.value #>> '{}')::numeric = floor((_is_whole.value #>> '{}')::numeric);
end;
$$;

-- ---- schema/10_types/_known_options.sql
-- These options without those that are null; refuses what is no object of known keys.
create function pgflow._known_options(owner text, options jsonb, known text[])
returns jsonb
language plpgsql
immutable
as $$
declare
  v_options jsonb := coalesce(_known_options.options, '{}');
  v_unknown text;
begin
  if jsonb_typeof(v_options) <> 'object' then
    raise exception 'The options of a % are an object, not %', owner, left(v_options::text, 100)
      using errcode = 'PF011', hint = format('Pass an object whose keys are among: %s.', coalesce(nullif(array_to_string(known, ', '), ''), 'none'));
  end if;
  select k.key into v_unknown from jsonb_object_keys(v_options) k(key) where k.key <> all(known) limit 1;
  if found then
    raise exception 'A % has no option "%"', owner, left(v_unknown, 100)
      using errcode = 'PF011',
        hint = format('It takes %s. A newer program needs a newer core: run pgflow-gen migrate.', coalesce(nullif(array_to_string(known, ', '), ''), 'none'));
  end if;
  -- not jsonb_strip_nulls, which would take those within a pattern as well
  return (
    select coalesce(jsonb_object_agg(e.key, e.value) filter (where e.value <> 'null'), '{}') from jsonb_each(v_options) e
  );
end;
$$;

-- ---- schema/10_types/_new_run_id.sql
-- new_run_id for the core itself: without a search_path of its own it is inlined into its callers, all of which have a
-- pinned one.
create function pgflow._new_run_id()
returns uuid
language sql
volatile
as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6),
      52, 1), 53, 1),  -- version nibble 4 -> 7
    'hex')::uuid;
$$;

-- ---- schema/10_types/_queue_table.sql
-- pgmq lower-cases table names; prefix is 'q' (queue) or 'a' (archive).
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._queue_table(flow_slug text, prefix text)
returns text
language sql
immutable
as $$ select _queue_table.prefix || '_' || lower(_queue_table.flow_slug) $$;

-- ---- schema/10_types/_require_trusted.sql
-- Refuses to go on where a schema that is about to be used has been taken by somebody else.
create function pgflow._require_trusted(schema_name text)
returns void
language plpgsql
stable
as $$
begin
  if to_regnamespace(_require_trusted.schema_name) is not null
    and not pgflow._is_trusted(_require_trusted.schema_name)
  then
    raise exception 'the schema % belongs to somebody who may not act as %', schema_name, current_user
      using hint = 'pgflow-gen doctor says whose it is and what to do';
  end if;
end;
$$;

-- ---- schema/10_types/_retry_delay.sql
-- The delay really applied: the strategy's formula, capped before the cast so that it never overflows.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._retry_delay(backoff text, base_delay int, max_delay int, attempts_count int)
returns int
language sql
immutable
as $$
  select least(
    case _retry_delay.backoff
      when 'fixed' then _retry_delay.base_delay::numeric
      -- 2^31 already exceeds every cap
      else floor(_retry_delay.base_delay * power(2::numeric, least(_retry_delay.attempts_count, 31)))
    end,
    _retry_delay.max_delay,
    86400
  )::int;
$$;

-- ---- schema/10_types/_run_is_sound.sql
-- What every row of runs keeps to. In a function, because PostgreSQL reads the text of a check anew for each
-- statement that writes to the table: with one check for each of these rules, that took a fifth of a start.
create function pgflow._run_is_sound(
  status text, remaining_steps int, started_at timestamptz, completed_at timestamptz, failed_at timestamptz,
  cancelled_at timestamptz
)
returns boolean
language plpgsql
immutable
as $$
begin
  return _run_is_sound.status in ('started', 'failed', 'completed', 'cancelled')
    and _run_is_sound.remaining_steps >= 0
    and num_nonnulls(_run_is_sound.completed_at, _run_is_sound.failed_at, _run_is_sound.cancelled_at) <= 1
    and (_run_is_sound.completed_at >= _run_is_sound.started_at) is not false
    and (_run_is_sound.failed_at >= _run_is_sound.started_at) is not false
    and (_run_is_sound.cancelled_at is null) = (_run_is_sound.status <> 'cancelled');
end;
$$;

-- ---- schema/10_types/_seconds_from_now.sql
-- Until when an announcement holds: whoever is gone would be notified all that time, so an hour at most.
create function pgflow._seconds_from_now(seconds int)
returns timestamptz
language sql
volatile
as $$
  select clock_timestamp()
    + make_interval(secs => least(greatest(coalesce(_seconds_from_now.seconds, 0), 0), 3600));
$$;

-- ---- schema/10_types/_state_is_sound.sql
-- What every row of step_states keeps to; in a function as with _run_is_sound. Two more rules stand as checks of
-- their own in the table, because their names are part of the contract.
create function pgflow._state_is_sound(
  status text,
  remaining_tasks int,
  initial_tasks int,
  remaining_deps int,
  skip_reason text,
  created_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  skipped_at timestamptz,
  cancelled_at timestamptz
)
returns boolean
language plpgsql
immutable
as $$
begin
  return _state_is_sound.status in ('created', 'started', 'completed', 'failed', 'skipped', 'cancelled')
    and (_state_is_sound.status not in ('created', 'skipped') or _state_is_sound.remaining_tasks is null)
    and (_state_is_sound.status <> 'completed' or _state_is_sound.remaining_tasks = 0) is not false
    and (_state_is_sound.initial_tasks >= 0) is not false
    and _state_is_sound.remaining_deps >= 0
    and (_state_is_sound.status = 'skipped') = (_state_is_sound.skip_reason is not null)
    and num_nonnulls(
      _state_is_sound.completed_at, _state_is_sound.failed_at, _state_is_sound.skipped_at, _state_is_sound.cancelled_at
    ) <= 1
    and (_state_is_sound.started_at >= _state_is_sound.created_at) is not false
    and (_state_is_sound.completed_at >= _state_is_sound.started_at) is not false
    and (_state_is_sound.failed_at >= _state_is_sound.started_at) is not false
    and (_state_is_sound.skipped_at >= _state_is_sound.created_at) is not false
    and (_state_is_sound.cancelled_at is null) = (_state_is_sound.status <> 'cancelled');
end;
$$;

-- ---- schema/10_types/_task_is_sound.sql
-- What every row of step_tasks keeps to; in a function as with _run_is_sound.
create function pgflow._task_is_sound(
  status text,
  attempts_count int,
  requeued_count int,
  has_output boolean,
  queued_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  cancelled_at timestamptz,
  waits_for text
)
returns boolean
language plpgsql
immutable
as $$
begin
  return _task_is_sound.status in ('queued', 'started', 'completed', 'failed', 'cancelled')
    and _task_is_sound.attempts_count >= 0
    and _task_is_sound.requeued_count >= 0
    and (not _task_is_sound.has_output or _task_is_sound.status in ('completed', 'failed'))
    and num_nonnulls(_task_is_sound.completed_at, _task_is_sound.failed_at, _task_is_sound.cancelled_at) <= 1
    and (_task_is_sound.started_at >= _task_is_sound.queued_at) is not false
    and (_task_is_sound.completed_at >= _task_is_sound.queued_at) is not false
    and (_task_is_sound.completed_at >= _task_is_sound.started_at) is not false
    and (_task_is_sound.failed_at >= _task_is_sound.queued_at) is not false
    and (_task_is_sound.failed_at >= _task_is_sound.started_at) is not false
    and (_task_is_sound.waits_for in ('child', 'round', 'time', 'lane', 'hold')) is not false
    and (_task_is_sound.cancelled_at is null) = (_task_is_sound.status <> 'cancelled');
end;
$$;

-- ---- schema/10_types/calculate_retry_delay.sql
-- for: pgflow
-- Seconds until the next attempt: base_delay x 2^attempts. What is applied is at most max_delay, and one day.
create function pgflow.calculate_retry_delay(base_delay numeric, attempts_count int)
returns int
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when calculate_retry_delay.base_delay in ('NaN', 'Infinity') then 2147483647
    -- an integer of 31 bits holds nothing beyond 2^31, nor anything of what is smaller than 2^-31
    else floor(least(greatest(
      least(greatest(calculate_retry_delay.base_delay, -2147483648), 2147483647)
        * power(2::numeric, least(greatest(calculate_retry_delay.attempts_count, -1000), 31)),
      -2147483648), 2147483647))
  end::int;
$$;

-- ---- schema/10_types/is_valid_slug.sql
-- for: pgflow
-- 'run' is reserved: it names the run itself among the keys of older inputs and event topics.
create function pgflow.is_valid_slug(slug text)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    length(is_valid_slug.slug) <= 128
      and is_valid_slug.slug ~ '^[a-zA-Z_][a-zA-Z0-9_]*$' collate "C"  -- ASCII only, whatever the locale folds
      and is_valid_slug.slug <> 'run',
    false
  );
$$;

-- ---- schema/10_types/new_run_id.sql
-- for: core
-- A time-ordered uuid (version 7, RFC 9562): neighbours in time are neighbours in the indexes.
create function pgflow.new_run_id()
returns uuid
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
  select pgflow._new_run_id();
$$;

-- ---- schema/10_types/step_task_record.sql
create type pgflow.step_task_record as (
  flow_slug text,
  run_id uuid,
  step_slug text,
  input jsonb,
  msg_id bigint,
  task_index int,
  flow_input jsonb
);

-- ---- schema/10_types/task_result.sql
-- Everything a worker gets back, whichever set-based function it called.
create type pgflow.task_result as (
  outcome text,            -- claimed | stale | retried | failed | skipped | tolerated | completed
  flow_slug text,
  run_id uuid,
  step_slug text,
  task_index int,
  attempt int,
  worker_id uuid,
  msg_id bigint,
  input jsonb,             -- of a stale one: why, as pgflow._why_refused words it
  flow_input jsonb,
  timeout int,             -- seconds; the step's, else the flow's
  started_at timestamptz,
  trace_context jsonb,
  delay int,               -- seconds until the retry
  max_attempts int,        -- the step's, else the flow's; of one that failed with those added that a retry of the run has forgiven
  state jsonb,             -- of a loop: what the round before has left
  round int                -- of a loop: which one this is; null: the first
);

-- ---- schema/20_tables/01_flows.sql
create table pgflow.flows (
  flow_slug text not null,
  opt_max_attempts int not null default 3,
  opt_base_delay int not null default 1,
  opt_timeout int not null default 60,
  created_at timestamptz not null default now(),
  opt_backoff text,   -- null: exponential
  opt_max_delay int,  -- seconds; null: only the cap of one day
  options jsonb not null default '{}',  -- see _check_flow_options
  constraint flows_pkey primary key (flow_slug),
  constraint slug_is_valid check (pgflow.is_valid_slug(flow_slug)),
  constraint opt_max_attempts_is_nonnegative check (opt_max_attempts >= 0),
  constraint opt_base_delay_is_nonnegative check (opt_base_delay >= 0),
  constraint opt_timeout_is_positive check (opt_timeout between 1 and 1000000000),
  constraint opt_backoff_is_valid check (opt_backoff in ('exponential', 'fixed')),
  constraint opt_max_delay_is_nonnegative check (opt_max_delay >= 0)
);

-- ---- schema/20_tables/02_steps.sql
create table pgflow.steps (
  flow_slug text not null,
  step_slug text not null,
  step_type text not null default 'single',
  step_index int not null default 0,
  deps_count int not null default 0,
  opt_max_attempts int,
  opt_base_delay int,
  opt_timeout int,
  opt_start_delay int,
  required_input_pattern jsonb,
  forbidden_input_pattern jsonb,
  when_unmet text not null default 'skip',
  when_exhausted text not null default 'fail',
  created_at timestamptz not null default now(),
  opt_backoff text,
  opt_max_delay int,
  kind text not null default 'task',    -- who does its work
  options jsonb not null default '{}',  -- see _step_options
  constraint steps_pkey primary key (flow_slug, step_slug),
  constraint steps_flow_slug_step_index_key unique (flow_slug, step_index),
  constraint steps_flow_slug_fkey foreign key (flow_slug) references pgflow.flows (flow_slug),
  constraint steps_step_slug_check check (pgflow.is_valid_slug(step_slug)),
  constraint steps_step_type_check check (step_type in ('single', 'map')),
  constraint kind_is_valid check (kind in ('task', 'signal', 'sleep', 'loop', 'subflow', 'pick')),
  constraint steps_deps_count_check check (deps_count >= 0),
  constraint opt_max_attempts_is_nonnegative check (opt_max_attempts >= 0),
  constraint opt_base_delay_is_nonnegative check (opt_base_delay >= 0),
  constraint opt_timeout_is_positive check (opt_timeout between 1 and 1000000000),
  constraint opt_start_delay_is_nonnegative check (opt_start_delay >= 0),
  constraint opt_backoff_is_valid check (opt_backoff in ('exponential', 'fixed')),
  constraint opt_max_delay_is_nonnegative check (opt_max_delay >= 0),
  constraint required_input_pattern_is_object check (jsonb_typeof(required_input_pattern) = 'object'),
  constraint forbidden_input_pattern_is_object check (jsonb_typeof(forbidden_input_pattern) = 'object'),
  constraint when_unmet_is_valid check (when_unmet in ('fail', 'skip', 'skip-cascade')),
  constraint waits_have_no_failure check (kind not in ('signal', 'sleep', 'pick') or when_exhausted <> 'value'),
  constraint when_exhausted_is_valid check (when_exhausted in ('fail', 'skip', 'skip-cascade', 'value'))
);

-- ---- schema/20_tables/03_deps.sql
create table pgflow.deps (
  flow_slug text not null,
  dep_slug text not null,   -- what is depended on
  step_slug text not null,  -- who depends
  created_at timestamptz not null default now(),
  is_array boolean not null default false,  -- step_slug is a map that goes over what dep_slug gives
  constraint deps_pkey primary key (flow_slug, dep_slug, step_slug),
  constraint deps_flow_slug_fkey foreign key (flow_slug) references pgflow.flows (flow_slug),
  constraint deps_flow_slug_dep_slug_fkey foreign key (flow_slug, dep_slug)
    references pgflow.steps (flow_slug, step_slug),
  constraint deps_flow_slug_step_slug_fkey foreign key (flow_slug, step_slug)
    references pgflow.steps (flow_slug, step_slug),
  constraint deps_check check (dep_slug <> step_slug)
);
create index deps_by_step_idx on pgflow.deps (flow_slug, step_slug, dep_slug);

-- ---- schema/20_tables/04_runs.sql
-- Room in each page (fillfactor) and no index on what changes keep updates HOT. This table and the next two have no
-- foreign keys, which would be half of what a start costs: their rows are written by functions alone, which hold the
-- flow or the run they write for, and _refuse_orphans guards the other side.
create table pgflow.runs (
  run_id uuid not null default pgflow.new_run_id(),
  flow_slug text not null,
  status text not null default 'started',
  input jsonb not null,
  output jsonb,
  remaining_steps int not null default 0,
  started_at timestamptz not null default now(),
  completed_at timestamptz,
  failed_at timestamptz,
  error_message text,   -- why it failed, for late readers
  trace_context jsonb,  -- where the caller's trace goes on
  cancelled_at timestamptz,
  cancel_reason text,   -- as given by who cancelled it
  held_at timestamptz,  -- it was held, and has not been released; counts while it is started
  begins_at timestamptz,  -- it has not begun: its root steps wait for this time; null: it has
  has_origin boolean,   -- whether origins has a row of it; null: no
  end_count int,        -- of a flow with companions: how often it has ended, as it may go on by a retry
  constraint runs_pkey primary key (run_id),
  constraint runs_check check (pgflow._run_is_sound(
    status, remaining_steps, started_at, completed_at, failed_at, cancelled_at
  ))
) with (fillfactor = 45);
-- For who looks at a flow's latest runs; none of its columns ever changes, but once for a run that begins later.
create index runs_by_start_idx on pgflow.runs (flow_slug, started_at);

-- ---- schema/20_tables/05_step_states.sql
-- No foreign keys: see runs.
create table pgflow.step_states (
  flow_slug text not null,
  run_id uuid not null,
  step_slug text not null,
  status text not null default 'created',
  remaining_tasks int,
  initial_tasks int,
  remaining_deps int not null default 0,
  output jsonb,
  error_message text,
  skip_reason text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  skipped_at timestamptz,
  cancelled_at timestamptz,
  reused boolean not null default false,  -- taken over from the run this one was forked from: it has no tasks here
  constraint step_states_pkey primary key (run_id, step_slug),
  constraint step_states_check check (pgflow._state_is_sound(
    status, remaining_tasks, initial_tasks, remaining_deps, skip_reason,
    created_at, started_at, completed_at, failed_at, skipped_at, cancelled_at
  )),
  constraint initial_tasks_known_when_started check (status <> 'started' or initial_tasks is not null),
  constraint output_only_for_completed_or_null check (output is null or status = 'completed')
) with (fillfactor = 45);

-- ---- schema/20_tables/06_workers.sql
-- One row a worker process and flow. Only workers that beat are judged by their signs of life; any other (whose
-- program inserts its row by itself) may be silent for as long as a task takes, and its tasks' time-outs judge it.
create table pgflow.workers (
  worker_id uuid not null,
  queue_name text not null,
  function_name text not null,
  started_at timestamptz not null default now(),
  deprecated_at timestamptz,
  stopped_at timestamptz,
  last_heartbeat_at timestamptz not null default now(),
  beats boolean not null default false,
  died_at timestamptz,       -- recovery judged it dead: it gets nothing until it has registered again
  recovered_at timestamptz,  -- it ended, and none of its tasks is left with it
  details jsonb not null default '{}',  -- what it says of itself, for people to read: host, pid, slots
  constraint workers_pkey primary key (worker_id),
  constraint queue_name_is_short check (length(queue_name) <= 1000)
) with (fillfactor = 50);
create index workers_queue_name_idx on pgflow.workers (queue_name);
-- Those that recovery looks at: the living and the recently dead, however many rows of old ones there are.
create index workers_unrecovered_idx on pgflow.workers (queue_name) where beats and recovered_at is null;

-- ---- schema/20_tables/07_step_tasks.sql
-- No foreign keys: see runs.
create table pgflow.step_tasks (
  flow_slug text not null,
  run_id uuid not null,
  step_slug text not null,
  message_id bigint,  -- unique within its queue only
  task_index int not null default 0,
  status text not null default 'queued',
  attempts_count int not null default 0,
  error_message text,
  output jsonb,
  queued_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  last_worker_id uuid,
  requeued_count int not null default 0,
  last_requeued_at timestamptz,
  permanently_stalled_at timestamptz,
  killed_workers uuid[],  -- whose deaths count against the task: they died, or did not report in time, while it ran
  element jsonb,  -- of the array a map goes over; null: not stored, read it from the array
  attempt_errors jsonb,  -- see _with_attempt; null: none
  again_count int,       -- attempts that ended by asking to run again (RetryAfter, Again); null: none
  cancelled_at timestamptz,
  waits_for text,        -- of a queued one without a message: what for; a timer or a release sends it a new one
  forgiven_count int not null default 0,  -- attempts before the run was retried or this round began, which count no more
  round int,             -- of a loop that has asked to run again: which one is next, or under way; null: the first
  state jsonb,           -- what that round receives of the one before
  is_tolerated boolean,  -- of a completed one: its failure took the place of its output; null: no
  constraint step_tasks_pkey primary key (run_id, step_slug, task_index),
  constraint step_tasks_check check (pgflow._task_is_sound(
    status, attempts_count, requeued_count, output is not null,
    queued_at, started_at, completed_at, failed_at, cancelled_at, waits_for
  ))
) with (fillfactor = 45);
-- Its predicate changes only when a task stalls for good, so HOT updates are not at stake.
create index step_tasks_permanently_stalled_idx on pgflow.step_tasks (run_id, step_slug, task_index)
  where permanently_stalled_at is not null;

-- ---- schema/20_tables/08_worker_functions.sql
create table pgflow.worker_functions (
  function_name text not null,
  enabled boolean not null default true,
  debounce interval not null default interval '6 seconds',
  last_invoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  url text,  -- where a worker that is no edge function is asked to start; null: one of the platform's functions
  gets_service_key boolean not null default true,  -- false: whoever gave the url may not act as the core's owner
  constraint worker_functions_pkey primary key (function_name),
  constraint worker_functions_url_check check (url ~ '^https?://[^\s/]+[^\s]*$' and length(url) <= 2000),
  constraint function_name_is_short check (length(function_name) <= 1000),
  constraint worker_functions_debounce_check check (debounce >= interval '1 second')
);

-- ---- schema/20_tables/09_migrations.sql
-- Which core and flow migrations this database has; written by the migrator only.
create table pgflow.migrations (
  kind text not null,
  name text not null,
  digest text not null,
  applied_at timestamptz not null default now(),
  constraint migrations_pkey primary key (kind, name),
  constraint migrations_kind_check check (kind in ('core', 'flow'))
);

-- ---- schema/20_tables/10_announcements.sql
-- Who waits for a notification on which channel, and until when: idle workers ('pgflow_work_<flow>') and
-- watching clients ('pgflow_run_<id>'). Nobody waits: nothing is notified. Losing it in a crash is harmless,
-- announcements are renewed. No foreign keys: it must not stand in the way of deleting anything.
create unlogged table pgflow.announcements (
  channel text not null,
  announcer_id uuid not null,
  valid_until timestamptz not null,
  constraint announcements_pkey primary key (channel, announcer_id)
) with (fillfactor = 50);

-- ---- schema/20_tables/11_prepared_flows.sql
-- What moving runs on needs to know of a flow, in one row: read by key once a call, instead of all its steps.
-- Derived from flows and steps, and kept in step by triggers on them (_prepare_flows). Element i of each array is
-- about the same step, in the order of step_index.
create table pgflow.prepared_flows (
  flow_slug text not null,
  is_paused boolean not null default false,  -- not derived: see pause_flow
  flow_timeout int not null,    -- seconds
  step_slugs text[] not null,
  deps_counts int[] not null,
  maps boolean[] not null,
  start_delays int[] not null,  -- seconds
  timeouts int[] not null,      -- seconds; the flow's where the step has none, as with max_attempts
  vt_offsets int[] not null,    -- seconds a started task's message is hidden
  max_attempts int[] not null,
  root_slugs text[] not null,   -- sorted by slug
  array_slugs text[],           -- what the maps go over: '' is the run's input; null: there are no maps
  has_root_maps boolean not null,  -- one of them goes over the run's input
  has_maps boolean not null,
  has_conditions boolean not null,  -- or steps without a handler: what has to be settled before it starts
  has_delays boolean not null,
  kinds text[] not null,
  has_kinds boolean not null,   -- any but 'task'
  has_ends boolean not null default false,  -- flows that start when its runs have ended
  companion_of text,            -- it is such a flow itself: whose
  run_timeout int,              -- seconds
  longer_timeouts int[],        -- what timeouts were before they were shortened
  shortened_at timestamptz,     -- when that was: tasks that had started by then keep what they started with
  has_large_values boolean not null default false,  -- ever; not derived: see _note_large_values
  constraint prepared_flows_pkey primary key (flow_slug),
  constraint prepared_flows_flow_slug_fkey foreign key (flow_slug) references pgflow.flows (flow_slug)
    on delete cascade
);

-- ---- schema/20_tables/12_runs_failed_companions_idx.sql
-- Failed and cancelled runs that something else started, of a flow: undos that wait for somebody to look at them. Runs that somebody
-- started are in no page of it, and its predicate changes only when a run fails, is cancelled or retried, so HOT updates are not at
-- stake.
create index runs_failed_companions_idx on pgflow.runs (flow_slug, run_id)
  where (failed_at is not null or cancelled_at is not null) and has_origin;

-- ---- schema/20_tables/12_runs_undone_idx.sql
-- Failed and cancelled runs, page by page. Its predicate changes only when a run fails, is cancelled or retried, so HOT
-- updates are not at stake.
create index runs_undone_idx on pgflow.runs (run_id) where failed_at is not null or cancelled_at is not null;

-- ---- schema/20_tables/13_timers.sql
-- What has to happen at a time, to runs: their time-outs, and tasks that wait for longer than a hidden message
-- should; and the fires of schedules. fire_timers does it. Written and removed by whoever holds the run, or the schedule; no foreign keys, as outside tools
-- delete runs.
create table pgflow.timers (
  timer_id bigint generated always as identity,
  due_at timestamptz not null,
  kind text not null,
  flow_slug text not null,
  run_id uuid,                 -- null: a schedule's
  step_slug text,
  task_index int,
  payload jsonb,               -- what the kind needs to know
  failures int not null default 0,
  error_message text,          -- of the last failure
  tried_at timestamptz,        -- when its run was held by somebody else
  constraint timers_pkey primary key (timer_id),
  constraint timers_kind_check check (
    kind in ('run_timeout', 'wait', 'sleep', 'deadline', 'begin', 'schedule', 'cancel_children', 'retry_children', 'companions')
  ),
  constraint timers_are_of_runs check ((run_id is null) = (kind = 'schedule'))
);
create index timers_due_idx on pgflow.timers (due_at, timer_id);
create index timers_run_idx on pgflow.timers (run_id, step_slug, task_index);

-- ---- schema/20_tables/14_actions.sql
-- The trail: what was asked of the functions that control runs and flows, one row a call. It keeps no payloads, and of
-- many runs the first twenty. No foreign keys: it must not stand in the way of deleting anything.
create table pgflow.actions (
  action_id bigint generated always as identity,
  at timestamptz not null default now(),
  actor text,  -- who the caller says it is
  session_role text not null default session_user,
  action text not null,
  flow_slug text,  -- null: of several flows, or of none that is there
  run_ids uuid[] not null default '{}',
  run_count int not null default 0,
  arguments jsonb not null default '{}',
  outcome jsonb not null default '{}',  -- how many of each outcome
  constraint actions_pkey primary key (action_id)
);
create index actions_by_flow_idx on pgflow.actions (flow_slug, action_id);
create index actions_by_run_idx on pgflow.actions using gin (run_ids);
create index actions_by_time_idx on pgflow.actions (at);

-- ---- schema/20_tables/14_timer_floor.sql
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

-- ---- schema/20_tables/15_origins.sql
-- Where a run comes from that nobody started by itself: the run it was forked from, or whatever else made it. Runs
-- with a row here have has_origin, so that all others pay no look-up. No foreign keys, as with actions.
create table pgflow.origins (
  run_id uuid not null,
  kind text not null,
  from_run_id uuid,  -- it may have been pruned
  step_slug text,
  task_index int,
  attempt int,
  family text,  -- of the flow, with schedule_slug the schedule's key
  schedule_slug text,
  fire_at timestamptz,
  depth int not null default 0,
  constraint origins_pkey primary key (run_id),
  constraint origins_kind_check check (kind in ('child', 'fork', 'end', 'undo', 'schedule'))
);
-- An attempt at a task starts one child, whatever happens to who reports it; also how the children of a run are found.
create unique index origins_of_children_idx on pgflow.origins (from_run_id, step_slug, task_index, attempt)
  where kind = 'child';
-- An end of a run starts each of its companions once (attempt: which end; step_slug: the companion's flow); also how they are found.
create unique index origins_of_companions_idx on pgflow.origins (from_run_id, attempt, kind, step_slug)
  where kind in ('end', 'undo');
-- No fire of a schedule starts two runs, whatever happens to who sees to it.
create unique index origins_of_schedules_idx on pgflow.origins (family, schedule_slug, fire_at) where kind = 'schedule';

-- ---- schema/20_tables/16_signals.sql
-- What was sent to signal steps of runs that still need it, or may be sent again: payloads kept until their step
-- is ready, and what was taken under a mark against repetition (dedupe). They go with the run; no foreign keys, as with
-- timers.
create table pgflow.signals (
  signal_id bigint generated always as identity,
  run_id uuid not null,
  step_slug text not null,
  payload jsonb,  -- null: it was taken, and is the step's output
  dedupe text,
  sent_at timestamptz not null default now(),
  taken_at timestamptz,
  constraint signals_pkey primary key (signal_id),
  constraint signals_run_id_step_slug_dedupe_key unique (run_id, step_slug, dedupe),
  constraint dedupe_is_short check (length(dedupe) <= 200)
);

-- ---- schema/20_tables/17_waiting_signals.sql
-- Signal steps that are started: runs that wait for somebody. A row goes when its step has ended; no foreign keys, as
-- with timers.
create table pgflow.waiting_signals (
  run_id uuid not null,
  step_slug text not null,
  flow_slug text not null,
  key text,
  since timestamptz not null default now(),
  deadline_at timestamptz,
  constraint waiting_signals_pkey primary key (run_id, step_slug)
);
create index waiting_signals_by_time_idx on pgflow.waiting_signals (since, run_id, step_slug);
create index waiting_signals_by_flow_idx on pgflow.waiting_signals (flow_slug, step_slug, since, run_id);

-- ---- schema/20_tables/18_schedules.sql
-- Runs that start by the clock. A schedule belongs to all versions of its flow: flow_slug is the one that it starts. Its
-- timer is due at next_fire, or later where a fire waits or has failed. Whoever changes one of its timers holds its row.
create table pgflow.schedules (
  family text not null,       -- see _family
  schedule_slug text not null,
  flow_slug text not null,
  spec jsonb not null,        -- see create_schedule
  input jsonb not null,
  is_paused boolean not null default false,
  next_fire timestamptz,      -- the first that nobody has seen to; null while it is paused
  last_fire timestamptz,
  last_run_id uuid,           -- that was started; it may have been pruned
  last_outcome text,          -- of the last fire: started | skipped | missed | queued
  created_at timestamptz not null default now(),
  constraint schedules_pkey primary key (family, schedule_slug),
  constraint schedules_schedule_slug_check check (pgflow.is_valid_slug(schedule_slug))
);

-- ---- schema/20_tables/18_signal_keys.sql
-- Under which key a signal step of a started run is found, from the run's start on: what is sent between the start and
-- the wait is not lost. Keys are users' data, of any length. A row goes when its run has ended; no foreign keys, as with
-- timers.
create table pgflow.signal_keys (
  run_id uuid not null,
  step_slug text not null,
  family text not null,  -- of the flow's versions
  key text not null,
  constraint signal_keys_pkey primary key (run_id, step_slug)
);
create index signal_keys_by_key_idx on pgflow.signal_keys (left(key, 200), step_slug, family);

-- ---- schema/20_tables/19_ended_children.sql
-- Children that have ended and whose parents have not heard of it: written with a child's end, by whoever holds the
-- child; read and removed by who holds the parent (fire_timers), so that nobody holds both. No foreign keys, as with
-- timers.
create table pgflow.ended_children (
  ended_id bigint generated always as identity,
  due_at timestamptz not null default clock_timestamp(),
  run_id uuid not null,  -- the parent
  step_slug text not null,
  task_index int not null,
  attempt int not null,  -- that started the child: an earlier one counts no more
  child_run_id uuid not null,
  failures int not null default 0,
  error_message text,    -- of the last failure to hand it over
  tried_at timestamptz,  -- when the parent, or a child that may be retried just now, was held by somebody else
  constraint ended_children_pkey primary key (ended_id)
);
create index ended_children_due_idx on pgflow.ended_children (due_at, ended_id);
create index ended_children_run_idx on pgflow.ended_children (run_id);
create index ended_children_child_idx on pgflow.ended_children (child_run_id);

-- ---- schema/20_tables/20_late_results.sql
-- Attempts at steps that can be undone, under way when their run, their step or its deadline ended, and what they reported
-- afterwards: rows of the run itself never change. Its undo waits until each has reported, or until it can report no more.
-- What was done stays here when its run is retried: its next undo may have to see to it. No foreign keys, as with timers.
create table pgflow.late_results (
  run_id uuid not null,
  step_slug text not null,
  task_index int not null,
  attempt int not null,
  worker_id uuid,
  patience_ends_at timestamptz not null,  -- nobody waits for it longer
  reported_at timestamptz,
  is_completed boolean not null default false,
  output jsonb,
  constraint late_results_pkey primary key (run_id, step_slug, task_index, attempt)
);

-- ---- schema/30_definition/_array_slug.sql
-- The dependency that a step goes over, if it is a map; null: the run's input. array_option: what its options say, which
-- a map says only where it has other dependencies.
create function pgflow._array_slug(step_slug text, step_type text, deps_slugs text[], array_option text)
returns text
language plpgsql
immutable
as $$
begin
  if array_option is null then
    if step_type = 'map' and cardinality(deps_slugs) > 1 then
      raise exception 'Map step "%" can have at most one dependency, but % were provided: %',
        step_slug, cardinality(deps_slugs), array_to_string(deps_slugs, ', ');
    end if;
    return case when step_type = 'map' then deps_slugs[1] end;
  end if;
  if step_type <> 'map' then
    raise exception 'Step "%" goes over no array: it is no map', step_slug
      using errcode = 'PF011', hint = 'Leave the option "array" out, or make the step a map.';
  end if;
  if array_option = any(deps_slugs) then
    return array_option;
  end if;
  if array_option <> 'flow_input' then
    raise exception 'Map step "%" cannot go over "%", on which it does not depend', step_slug, left(array_option, 200)
      using errcode = 'PF011', hint = 'Name one of its dependencies, or flow_input for the run''s input.';
  end if;
  return null;
end;
$$;

-- ---- schema/30_definition/_check_companion_options.sql
-- Refuses options of a flow that say nothing of what follows its runs' ends: undo {"flow", "steps": {slug: {"by", "when"}},
-- "reads", "flow_input"}, ends {slug: {"on", "steps", "flow_input"}}, and of such a flow itself companion {"of"}.
create function pgflow._check_companion_options(options jsonb)
returns void
language plpgsql
immutable
as $$
declare
  v_wrong text;
begin
  v_wrong := case
    when options ? 'undo' and (
      jsonb_typeof(options #> '{undo,flow}') = 'string' and jsonb_typeof(options #> '{undo,steps}') = 'object'
      and options #> '{undo,steps}' <> '{}'
      and not exists (
        select 1
        from jsonb_each(case jsonb_typeof(options #> '{undo,steps}') when 'object' then options #> '{undo,steps}' end) s(slug, rule)
        where (
          jsonb_typeof(s.rule) = 'object' and jsonb_typeof(s.rule -> 'by') = 'string'
          and coalesce(s.rule ->> 'when', 'completed') in ('completed', 'started')
        ) is not true
      )
      and coalesce(jsonb_typeof(options #> '{undo,reads}'), 'array') = 'array'
    ) is not true then 'undo'
    when options ? 'ends' and (
      jsonb_typeof(options -> 'ends') = 'object'
      and not exists (
        select 1
        from jsonb_each(case jsonb_typeof(options -> 'ends') when 'object' then options -> 'ends' end) e(slug, rule)
        where (
          jsonb_typeof(e.rule) = 'object' and e.rule ->> 'on' in ('failed', 'cancelled', 'completed', 'always')
          and coalesce(jsonb_typeof(e.rule -> 'steps'), 'array') = 'array'
        ) is not true
      )
    ) is not true then 'ends'
    when options ? 'companion' and jsonb_typeof(options #> '{companion,of}') is distinct from 'string' then 'companion'
    when options ? 'companion' and options ?| array['undo', 'ends'] then 'companion beside undo or ends'
  end;
  if v_wrong is not null then
    raise exception 'The option % of a flow is not one: %', v_wrong, left((options -> split_part(v_wrong, ' ', 1))::text, 200)
      using errcode = 'PF011', hint = 'It is written by pgflow-gen build, for @flow.undo and @flow.end.';
  end if;
end;
$$;

-- ---- schema/30_definition/_check_condition_options.sql
-- Refuses conditions among a step's options that are none: if_any and if_not_any are lists of patterns, if_ran and
-- if_skipped name dependencies of the step.
create function pgflow._check_condition_options(options jsonb, deps_slugs text[])
returns void
language plpgsql
immutable
as $$
declare
  v_key text;
  v_stranger text;
begin
  foreach v_key in array array['if_any', 'if_not_any', 'if_ran', 'if_skipped'] loop
    continue when not options ? v_key;
    if jsonb_typeof(options -> v_key) <> 'array' or options -> v_key = '[]' or exists (
      select 1
      from jsonb_array_elements(case jsonb_typeof(options -> v_key) when 'array' then options -> v_key else '[]' end) e(item)
      where jsonb_typeof(e.item) <> case when v_key in ('if_any', 'if_not_any') then 'object' else 'string' end
    ) then
      raise exception '% must be a list of %, not %', v_key,
        case when v_key in ('if_any', 'if_not_any') then 'patterns' else 'steps' end,
        left(options ->> v_key, 100)
        using errcode = 'PF011', hint = 'Leave it out where there is no such condition.';
    end if;
    continue when v_key in ('if_any', 'if_not_any');
    select s.slug into v_stranger
    from jsonb_array_elements_text(options -> v_key) s(slug)
    where s.slug <> all(deps_slugs)
    limit 1;
    if found then
      raise exception '% names "%", which the step does not depend on', v_key, left(v_stranger, 200)
        using errcode = 'PF011', hint = 'Name dependencies of the step only: it is judged when they have ended.';
    end if;
  end loop;
end;
$$;

-- ---- schema/30_definition/_check_flows.sql
create function pgflow._check_flows(flow_slugs text[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
begin
  select g.flow_slug into v_flow_slug
  from unnest(_check_flows.flow_slugs) g(flow_slug)
  where not exists (select 1 from pgflow.flows f where f.flow_slug = g.flow_slug)
  limit 1;
  if found then
    raise exception 'Unknown flow "%"', left(v_flow_slug, 200)
      using errcode = 'PF001', hint = 'Apply the migration that defines the flow, or check its slug.';
  end if;
end;
$$;

-- ---- schema/30_definition/_check_kind.sql
-- Refuses what no step of a kind can be: a map without a handler or of loops, a map over what is no array. array_slug:
-- the dependency that a map goes over.
create function pgflow._check_kind(flow_slug text, step_slug text, kind text, step_type text, array_slug text)
returns void
language plpgsql
as $$
begin
  if kind not in ('task', 'subflow') and step_type <> 'single' then
    raise exception 'Step "%" cannot be a map: it is a %', step_slug, kind
      using errcode = 'PF011', hint = 'Leave step_type out.';
  end if;
  if array_slug is not null and exists (
    select 1
    from pgflow.steps s
    where s.flow_slug = _check_kind.flow_slug and s.step_slug = array_slug and s.kind = 'sleep'
  ) then
    raise exception 'Map step "%" cannot go over "%", a sleep', step_slug, array_slug
      using errcode = 'PF011', hint = 'A sleep has no output: let the map go over another step.';
  end if;
  if array_slug is not null and exists (
    select 1
    from pgflow.steps s
    where s.flow_slug = _check_kind.flow_slug and s.step_slug = array_slug and s.kind = 'subflow'
      and s.step_type = 'single'
  ) then
    raise exception 'Map step "%" cannot go over "%", the output of a run', step_slug, array_slug
      using errcode = 'PF011', hint = 'A run''s output is an object: let the map go over a list that a step takes from it.';
  end if;
end;
$$;

-- ---- schema/30_definition/_check_loop_options.sql
-- Refuses what a loop cannot have: it needs a limit of rounds.
create function pgflow._check_loop_options(options jsonb)
returns void
language plpgsql
immutable
as $$
begin
  if not pgflow._is_whole(options -> 'max_rounds', 1, 100000) then
    raise exception 'max_rounds must be a whole number from 1 to 100,000, not %',
      coalesce(left(options ->> 'max_rounds', 100), 'missing')
      using errcode = 'PF011', hint = 'A loop says how often it may go round at most.';
  end if;
  if options ? 'every' and not pgflow._is_whole(options -> 'every', 1, 31536000) then
    raise exception 'every must be a whole number of seconds from 1 to 31,536,000, not %', left(options ->> 'every', 100)
      using errcode = 'PF011', hint = 'Leave it out for rounds that follow each other at once.';
  end if;
  if options ? 'deadline' and not pgflow._is_whole(options -> 'deadline', 1, 31536000) then
    raise exception 'deadline must be a whole number of seconds from 1 to 31,536,000, not %',
      left(options ->> 'deadline', 100)
      using errcode = 'PF011', hint = 'Leave it out where all rounds together may take as long as they like.';
  end if;
end;
$$;

-- ---- schema/30_definition/_check_pick_options.sql
-- Refuses what no pick can be: it is a path of the run's input, and depends on nothing.
create function pgflow._check_pick_options(options jsonb, deps_slugs text[])
returns void
language plpgsql
immutable
as $$
begin
  if not coalesce(pgflow._is_path(options -> 'pick'), false) then
    raise exception 'pick must be a path in the run''s input, not %', coalesce(left(options ->> 'pick', 100), 'missing')
      using errcode = 'PF011', hint = 'Give its keys, for example ["steps", "charge", "output"].';
  end if;
  if cardinality(deps_slugs) > 0 then
    raise exception 'A pick reads the run''s input only, and depends on no step'
      using errcode = 'PF011', hint = 'Leave the dependencies out.';
  end if;
end;
$$;

-- ---- schema/30_definition/_check_signal_options.sql
create function pgflow._check_signal_options(options jsonb)
returns void
language plpgsql
immutable
as $$
begin
  if (options ? 'deadline') and not pgflow._is_whole(options -> 'deadline', 1, 31536000) then
    raise exception 'deadline must be a whole number of seconds from 1 to 31,536,000, not %',
      left(options ->> 'deadline', 100)
      using errcode = 'PF011', hint = 'Leave it out, or give null, for a signal that is waited for as long as it takes.';
  end if;
  if (options ? 'key') and not pgflow._is_path(options -> 'key') then
    raise exception 'key must be a path in the run''s input, not %', left(options ->> 'key', 100)
      using errcode = 'PF011', hint = 'Give its keys, for example ["order_id"].';
  end if;
end;
$$;

-- ---- schema/30_definition/_check_sleep_options.sql
create function pgflow._check_sleep_options(options jsonb, deps_slugs text[])
returns void
language plpgsql
immutable
as $$
begin
  if (options ? 'seconds') = (options ? 'until') then
    raise exception 'A sleep takes either seconds or until'
      using errcode = 'PF011', hint = 'Give one of the two.';
  end if;
  if (options ? 'seconds') and not pgflow._is_whole(options -> 'seconds', 0, 31536000) then
    raise exception 'seconds must be a whole number from 0 to 31,536,000, not %', left(options ->> 'seconds', 100)
      using errcode = 'PF011', hint = 'Use "until" for a sleep of more than a year.';
  end if;
  if (options ? 'until') and not pgflow._is_path(options -> 'until') then
    raise exception 'until must be a path in the run''s input or in a dependency, not %', left(options ->> 'until', 100)
      using errcode = 'PF011', hint = 'Give its keys, for example ["flow_input", "remind_at"].';
  end if;
  if options -> 'until' ->> 0 <> all(array['flow_input'] || deps_slugs) then
    raise exception 'A sleep cannot be until something of "%", on which it does not depend',
      left(options -> 'until' ->> 0, 100)
      using errcode = 'PF011', hint = 'Begin the path with flow_input or with a dependency.';
  end if;
end;
$$;

-- ---- schema/30_definition/_check_subflow_options.sql
-- Refuses what a subflow step cannot have: it names the flow that does its work, which need not be there yet.
create function pgflow._check_subflow_options(options jsonb)
returns void
language plpgsql
immutable
as $$
begin
  if jsonb_typeof(options -> 'subflow') is distinct from 'string' or not pgflow.is_valid_slug(options ->> 'subflow') then
    raise exception 'subflow must be the slug of a flow, not %', coalesce(left(options ->> 'subflow', 100), 'missing')
      using errcode = 'PF011', hint = 'Name the flow whose runs do the work of the step.';
  end if;
  if options ->> 'subflow' ~ '__undo$|__end_' then
    raise exception 'Flow "%" is started by the core, when a run has ended', options ->> 'subflow'
      using errcode = 'PF011', hint = 'Name a flow of your own.';
  end if;
  if options ? 'max_depth' and not pgflow._is_whole(options -> 'max_depth', 1, 16) then
    raise exception 'max_depth must be a whole number from 1 to 16, not %', left(options ->> 'max_depth', 100)
      using errcode = 'PF011', hint = 'Leave it out where flows do not start each other in a circle.';
  end if;
  if options ? 'deadline' and not pgflow._is_whole(options -> 'deadline', 1, 31536000) then
    raise exception 'deadline must be a whole number of seconds from 1 to 31,536,000, not %',
      left(options ->> 'deadline', 100)
      using errcode = 'PF011', hint = 'Leave it out where the children may take as long as they like.';
  end if;
end;
$$;

-- ---- schema/30_definition/_drop_queue_functions.sql
create function pgflow._drop_queue_functions()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    $sql$
      drop function if exists pgflow.%I(uuid[], text[], int[], int, text[], int[], int[]);
      drop function if exists pgflow.%I(int, bigint, int);
      drop function if exists pgflow.%I(bigint[]);
    $sql$,
    '_send:' || old.flow_slug, '_read:' || old.flow_slug, '_archive:' || old.flow_slug
  );
  return null;
end;
$$;

-- ---- schema/30_definition/_flow_options.sql
-- The options of a flow as they are stored: without those that are null. Refuses unknown ones and wrong values.
create function pgflow._flow_options(options jsonb)
returns jsonb
language plpgsql
immutable
as $$
declare
  v_options jsonb := pgflow._known_options('flow', _flow_options.options, array[
    'run_timeout', 'undo', 'ends', 'companion'
  ]);
begin
  if (v_options ? 'run_timeout') and not pgflow._is_whole(v_options -> 'run_timeout', 1, 31536000) then
    raise exception 'run_timeout must be a whole number of seconds from 1 to 31,536,000, not %',
      left(v_options ->> 'run_timeout', 100)
      using errcode = 'PF011', hint = 'Leave it out, or give null, for runs that may take as long as they like.';
  end if;
  perform pgflow._check_companion_options(v_options);
  return v_options;
end;
$$;

-- ---- schema/30_definition/_has_condition.sql
-- Whether a step has a condition of any kind.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._has_condition(step pgflow.steps)
returns boolean
language sql
immutable
as $$
  select (step).required_input_pattern is not null
    or (step).forbidden_input_pattern is not null
    or (step).options ?| array['if_any', 'if_not_any', 'if_ran', 'if_skipped'];
$$;

-- ---- schema/30_definition/_index_delivered.sql
-- The messages of a flow's queue that have been delivered (their tasks are started), by when they are due again.
-- What merely waits is not among them, however much it is: a message that goes back to the queue counts as unread.
create function pgflow._index_delivered(flow_slug text)
returns void
language plpgsql
as $$
declare
  v_queue text := pgflow._queue_table(_index_delivered.flow_slug, 'q');
begin
  if to_regclass(format('pgmq.%I', v_queue || '_delivered_idx')) is null then
    execute format('create index %I on pgmq.%I (vt) where read_ct > 0', v_queue || '_delivered_idx', v_queue);
  end if;
end;
$$;

-- ---- schema/30_definition/_keep_longer_timeouts.sql
-- After a flow's options were altered: what its timeouts were before counts for tasks that have started already.
create function pgflow._keep_longer_timeouts(flow_slug text, timeouts int[])
returns void
language sql
as $$
  update pgflow.prepared_flows p
  set longer_timeouts = g.longest,
      -- a minute more, for tasks that are being started this moment with what there was before
      shortened_at = clock_timestamp() + interval '1 minute'
  from (
    select array_agg(greatest(u.before, case when l.shortened_at > now() - make_interval(secs => u.longer + 60)
      then u.longer end) order by u.position) as longest
    from pgflow.prepared_flows l
    cross join unnest(_keep_longer_timeouts.timeouts, l.timeouts, l.longer_timeouts)
      with ordinality u(before, after, longer, position)
    where l.flow_slug = _keep_longer_timeouts.flow_slug
    having bool_or(u.before > u.after)
  ) g
  where p.flow_slug = _keep_longer_timeouts.flow_slug;
$$;

-- ---- schema/30_definition/_make_queue_functions.sql
-- Makes the three functions through which the core sends, reads and archives messages of a flow's queue; a colon
-- keeps their names apart from all others. They belong to the flow: an execute with the queue's name as a value
-- is parsed and planned at each call, which cost a fifth of moving a single task on; these plans are kept.
-- The first delivered_count messages are sent as if they had been read already: hidden, with a read to their count.
-- slugs, vt_offsets and start_delays (seconds) are those of the flow's steps.
-- Messages are read oldest id first, skipping locked ones and those up to after_msg_id, and hidden for vt_offset
-- seconds; whatever is not the message of a task has null keys.
create function pgflow._make_queue_functions()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_columns text;  -- of messages, as the installed pgmq has them
begin
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into v_columns
  from pg_attribute a
  where a.attrelid = 'pgmq.message_record'::regclass and a.attnum > 0 and not a.attisdropped;

  execute format(
    $sql$
      create or replace function pgflow.%1$I(
        run_ids uuid[],
        step_slugs text[],
        task_indexes int[],
        delivered_count int,
        slugs text[],
        vt_offsets int[],
        start_delays int[],
        out msg_ids bigint[]
      )
      language plpgsql
      as $body$
      begin
        with sent as (
          insert into pgmq.%2$I (read_ct, vt, message)
          select
            case when t.position <= delivered_count then 1 else 0 end,
            clock_timestamp() + make_interval(
              secs => case when t.position <= delivered_count then vt_offsets[s.place] else start_delays[s.place] end
            ),
            jsonb_build_object(
              'flow_slug', %3$L, 'run_id', t.run_id, 'step_slug', t.step_slug, 'task_index', t.task_index
            )
          from unnest(run_ids, step_slugs, task_indexes)
            with ordinality t(run_id, step_slug, task_index, position)
          cross join lateral (select array_position(slugs, t.step_slug) as place) s
          returning msg_id
        )
        select array_agg(s.msg_id order by s.msg_id) into msg_ids from sent s;
      end;
      $body$;
      revoke all on function pgflow.%1$I(uuid[], text[], int[], int, text[], int[], int[]) from public;
    $sql$,
    '_send:' || new.flow_slug, pgflow._queue_table(new.flow_slug, 'q'), new.flow_slug
  );

  execute format(
    $sql$
      create or replace function pgflow.%1$I(
        max_count int,
        after_msg_id bigint,
        vt_offset int,
        out msg_ids bigint[],
        out run_ids uuid[],
        out step_slugs text[],
        out task_indexes int[]
      )
      language plpgsql
      as $body$
      begin
        with visible as (
          select q.msg_id
          from pgmq.%2$I q
          where q.vt <= clock_timestamp() and q.msg_id > after_msg_id
          order by q.msg_id
          limit max_count
          for update skip locked
        ),
        -- an array, not a join: a plan made while the queue was empty must not walk all of it later
        hidden as (
          update pgmq.%2$I q
          set vt = clock_timestamp() + vt_offset * interval '1 second', read_ct = q.read_ct + 1
          where q.msg_id = any(array(select v.msg_id from visible v))
          returning q.msg_id, q.message
        ),
        sorted as (
          select h.msg_id, h.message, pgflow._is_task_message(h.message) as ours
          from hidden h
          order by h.msg_id
        )
        select
          array_agg(s.msg_id),
          array_agg(case when s.ours then (s.message ->> 'run_id')::uuid end),
          array_agg(case when s.ours then s.message ->> 'step_slug' end),
          array_agg(case when s.ours then (s.message ->> 'task_index')::int end)
        into msg_ids, run_ids, step_slugs, task_indexes
        from sorted s;
      end;
      $body$;
      revoke all on function pgflow.%1$I(int, bigint, int) from public;
    $sql$,
    '_read:' || new.flow_slug, pgflow._queue_table(new.flow_slug, 'q')
  );

  execute format(
    $sql$
      create or replace function pgflow.%1$I(msg_ids bigint[])
      returns void
      language plpgsql
      as $body$
      begin
        with gone as (
          delete from pgmq.%2$I q where q.msg_id = any(msg_ids) returning q.*
        )
        insert into pgmq.%3$I (%4$s) select %4$s from gone;
      end;
      $body$;
      revoke all on function pgflow.%1$I(bigint[]) from public;
    $sql$,
    '_archive:' || new.flow_slug, pgflow._queue_table(new.flow_slug, 'q'),
    pgflow._queue_table(new.flow_slug, 'a'), v_columns
  );
  return null;
end;
$$;

-- ---- schema/30_definition/_pattern_shape.sql
-- A pattern as a flow's shape shows it: {"defined": false} or {"defined": true, "value": ...}.
create function pgflow._pattern_shape(pattern jsonb)
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when _pattern_shape.pattern is null then jsonb_build_object('defined', false)
    else jsonb_build_object('defined', true, 'value', _pattern_shape.pattern)
  end;
$$;

-- ---- schema/30_definition/_prepare_flows.sql
-- Derives anew what prepared_flows holds of the flows whose row, or any of whose steps, a statement has changed.
create function pgflow._prepare_flows()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A statement of its own: what is derived below must see what the others have committed meanwhile.
  perform 1
  from pgflow.flows f
  where f.flow_slug in (select c.flow_slug from changed c)
  order by f.flow_slug
  for no key update;

  insert into pgflow.prepared_flows as p (
    flow_slug, flow_timeout, step_slugs, deps_counts, maps, start_delays, timeouts, vt_offsets, max_attempts, root_slugs,
    array_slugs, has_root_maps, has_maps, has_conditions, has_delays, kinds, has_kinds, has_ends, companion_of, run_timeout
  )
  select
    f.flow_slug,
    f.opt_timeout,
    coalesce(array_agg(s.step_slug order by s.step_index) filter (where s.step_slug is not null), '{}'),
    coalesce(array_agg(s.deps_count order by s.step_index) filter (where s.step_slug is not null), '{}'),
    coalesce(array_agg(s.step_type = 'map' order by s.step_index) filter (where s.step_slug is not null), '{}'),
    coalesce(
      array_agg(coalesce(s.opt_start_delay, 0) order by s.step_index) filter (where s.step_slug is not null), '{}'
    ),
    coalesce(
      array_agg(coalesce(s.opt_timeout, f.opt_timeout) order by s.step_index) filter (where s.step_slug is not null), '{}'
    ),
    coalesce(
      array_agg(coalesce(s.opt_timeout, f.opt_timeout) + 2 order by s.step_index) filter (where s.step_slug is not null), '{}'
    ),
    coalesce(
      array_agg(coalesce(s.opt_max_attempts, f.opt_max_attempts) order by s.step_index)
        filter (where s.step_slug is not null),
      '{}'
    ),
    coalesce(array_agg(s.step_slug order by s.step_slug collate "C") filter (where s.deps_count = 0), '{}'),
    case when bool_or(s.step_type = 'map') then array_agg(a.array_slug order by s.step_index) end,
    coalesce(bool_or(a.array_slug = ''), false),
    coalesce(bool_or(s.step_type = 'map'), false),
    coalesce(bool_or(pgflow._has_condition(s) or s.kind in ('signal', 'sleep', 'pick')), false),
    coalesce(bool_or(s.opt_start_delay > 0), false),
    coalesce(array_agg(s.kind order by s.step_index) filter (where s.step_slug is not null), '{}'),
    coalesce(bool_or(s.kind <> 'task'), false),
    f.options ?| array['undo', 'ends'],
    f.options #>> '{companion,of}',
    (f.options ->> 'run_timeout')::numeric::int
  from pgflow.flows f
  left join pgflow.steps s on s.flow_slug = f.flow_slug
  cross join lateral (
    select case when s.step_type = 'map' then coalesce(
      (
        select d.dep_slug
        from pgflow.deps d
        where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug and d.is_array
      ),
      ''
    ) end as array_slug
  ) a
  where f.flow_slug in (select c.flow_slug from changed c)
  group by f.flow_slug
  on conflict on constraint prepared_flows_pkey do update
  set flow_timeout = excluded.flow_timeout,
      step_slugs = excluded.step_slugs,
      deps_counts = excluded.deps_counts,
      maps = excluded.maps,
      start_delays = excluded.start_delays,
      timeouts = excluded.timeouts,
      vt_offsets = excluded.vt_offsets,
      max_attempts = excluded.max_attempts,
      root_slugs = excluded.root_slugs,
      array_slugs = excluded.array_slugs,
      has_root_maps = excluded.has_root_maps,
      has_maps = excluded.has_maps,
      has_conditions = excluded.has_conditions,
      has_delays = excluded.has_delays,
      kinds = excluded.kinds,
      has_kinds = excluded.has_kinds,
      has_ends = excluded.has_ends,
      companion_of = excluded.companion_of,
      run_timeout = excluded.run_timeout;
  return null;
end;
$$;

-- ---- schema/30_definition/_seconds_allowed.sql
-- How long a task that started then may take: a timeout that was shortened meanwhile does not count for it.
create function pgflow._seconds_allowed(
  prepared pgflow.prepared_flows, step_slug text, started_at timestamptz
)
returns int
language sql
immutable
as $$
  select greatest(
    (_seconds_allowed.prepared).timeouts[
      array_position((_seconds_allowed.prepared).step_slugs, _seconds_allowed.step_slug)
    ],
    case when _seconds_allowed.started_at < (_seconds_allowed.prepared).shortened_at then
      (_seconds_allowed.prepared).longer_timeouts[
        array_position((_seconds_allowed.prepared).step_slugs, _seconds_allowed.step_slug)
      ]
    end
  );
$$;

-- ---- schema/30_definition/_step_options.sql
-- The options of a step of that kind as they are stored: without those that are null, and without the kind, which has a
-- column, and the array, which deps tells. Refuses unknown ones and wrong values.
create function pgflow._step_options(options jsonb, kind text, deps_slugs text[])
returns jsonb
language plpgsql
immutable
as $$
declare
  v_options jsonb;
begin
  if _step_options.kind not in ('task', 'signal', 'sleep', 'loop', 'subflow', 'pick') then
    raise exception 'A step cannot be of the kind "%"', left(_step_options.kind, 100)
      using errcode = 'PF011', hint = 'Leave it out, or give signal, sleep, loop or subflow.';
  end if;
  v_options := pgflow._known_options(
    case _step_options.kind when 'task' then 'step' else _step_options.kind end,
    _step_options.options,
    array['kind', 'reads_input', 'if_any', 'if_not_any', 'if_ran', 'if_skipped'] || case _step_options.kind
      when 'signal' then array['key', 'deadline']
      when 'sleep' then array['seconds', 'until']
      when 'loop' then array['max_rounds', 'every', 'deadline']
      when 'subflow' then array['subflow', 'max_depth', 'deadline', 'array']
      when 'pick' then array['pick']
      else array['array']
    end
  );
  if (v_options ? 'reads_input') and jsonb_typeof(v_options -> 'reads_input') <> 'boolean' then
    raise exception 'reads_input must be true or false, not %', left(v_options ->> 'reads_input', 100)
      using errcode = 'PF011', hint = 'Leave it out where it is not known whether the step reads the run''s input.';
  end if;
  perform pgflow._check_condition_options(v_options, _step_options.deps_slugs);
  case _step_options.kind
    when 'signal' then perform pgflow._check_signal_options(v_options);
    when 'sleep' then perform pgflow._check_sleep_options(v_options, _step_options.deps_slugs);
    when 'loop' then perform pgflow._check_loop_options(v_options);
    when 'subflow' then perform pgflow._check_subflow_options(v_options);
    when 'pick' then perform pgflow._check_pick_options(v_options, _step_options.deps_slugs);
    else null;
  end case;
  return v_options - 'kind' - 'array';
end;
$$;

-- ---- schema/30_definition/add_step.sql
-- for: migrate
-- Most mistakes are left to the named constraints; refused here is only what they cannot see. A step that is there
-- stays as it is: PF010 where it has another type, kind or other dependencies, its options are not looked at. options, PF011 for
-- any other:
--   reads_input          whether it reads the run's input
--   if_any, if_not_any   lists of patterns of which one, or none, may match; instead of the single ones
--   if_ran, if_skipped   dependencies that must have run, or must not
--   array                of a map with other dependencies: the one that it goes over, or flow_input for the run's input
--   kind                 signal, sleep: steps without a handler; loop: one that may ask to be called again;
--                        subflow: one whose handler returns the input of a run that does its work; pick: a value of the
--                        run's input; else a task
--   pick                 its path
--   key, deadline        of a signal: the path in the run's input of a key that it is found by; seconds until it is exhausted
--   seconds, until       of a sleep: how long, or the path of a time, whose first key is flow_input or a dependency
--   max_rounds, every    of a loop: how often it is called at most, and seconds in between
--   deadline             also of a loop: for all rounds together; and of a subflow, for all its children
--   subflow, max_depth   of a subflow: the flow of its children; how many runs deep they may be started
-- A pattern of a step with dependencies may hold the key flow_input, for the run's input, beside theirs.
create function pgflow.add_step(
  flow_slug text,
  step_slug text,
  deps_slugs text[] default '{}',
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  start_delay int default null,
  step_type text default 'single',
  required_input_pattern jsonb default null,
  forbidden_input_pattern jsonb default null,
  when_unmet text default 'skip',
  when_exhausted text default 'fail',
  backoff text default null,
  max_delay int default null,
  options jsonb default '{}'
)
returns pgflow.steps
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := coalesce(add_step.options ->> 'kind', 'task');
  v_deps text[] := coalesce(add_step.deps_slugs, '{}');
  v_options jsonb := pgflow._step_options(add_step.options, v_kind, v_deps);
  v_type text := coalesce(add_step.step_type, 'single');
  v_array_slug text := pgflow._array_slug(add_step.step_slug, v_type, v_deps, add_step.options ->> 'array');
  v_twice text;
  v_there record;
  v_step pgflow.steps;
begin
  select d.slug into v_twice from unnest(v_deps) d(slug) group by d.slug having count(*) > 1 limit 1;
  if found then
    -- deps_count would exceed the rows in deps, and the step would wait for ever
    raise exception 'Step "%" lists the dependency "%" twice', add_step.step_slug, v_twice
      using errcode = 'PF006', hint = 'List each dependency once.';
  end if;

  if length(add_step.flow_slug) > 128 then
    perform pgflow._check_flows(array[add_step.flow_slug]);  -- more than the indexes' pages hold
  end if;

  -- Serialises concurrent additions: step_index is counted up.
  perform 1 from pgflow.flows f where f.flow_slug = add_step.flow_slug for no key update;

  perform pgflow._check_kind(add_step.flow_slug, add_step.step_slug, v_kind, v_type, v_array_slug);

  select s.step_type, s.kind, s.deps_count, s.options ->> 'subflow' as subflow, array(
    select d.dep_slug from pgflow.deps d where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug order by 1
  ) as deps, (
    select d.dep_slug
    from pgflow.deps d
    where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug and d.is_array
  ) as array_slug
  into v_there
  from pgflow.steps s
  where s.flow_slug = add_step.flow_slug and s.step_slug = add_step.step_slug;
  if found and (
    v_there.step_type <> v_type or v_there.kind <> v_kind or v_there.deps_count <> cardinality(v_deps) or not v_there.deps <@ v_deps
    or v_there.array_slug is distinct from v_array_slug
    or v_there.subflow is distinct from v_options ->> 'subflow'
  ) then
    raise exception 'Flow "%" has a step "%" already, % with the dependencies (%)',
      add_step.flow_slug, add_step.step_slug, concat_ws(' ', v_there.step_type, nullif(v_there.kind, 'task'), v_there.subflow), array_to_string(v_there.deps, ', ')
      using errcode = 'PF010', hint = 'A flow''s structure never changes: give the step another slug, or the flow.';
  end if;

  -- One statement, so that what is derived from the step at its end sees its dependencies.
  with step as (
    insert into pgflow.steps (
      flow_slug, step_slug, step_type, step_index, deps_count,
      opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay, opt_backoff, opt_max_delay,
      required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted, kind, options
    )
    select
      add_step.flow_slug, add_step.step_slug, v_type, coalesce(max(s.step_index) + 1, 0), cardinality(v_deps),
      add_step.max_attempts, add_step.base_delay, add_step.timeout, add_step.start_delay,
      add_step.backoff, add_step.max_delay,
      add_step.required_input_pattern, add_step.forbidden_input_pattern,
      add_step.when_unmet, add_step.when_exhausted, v_kind, v_options
    from pgflow.steps s
    where s.flow_slug = add_step.flow_slug
    on conflict on constraint steps_pkey do nothing
  )
  insert into pgflow.deps (flow_slug, dep_slug, step_slug, is_array)
  select add_step.flow_slug, d.slug, add_step.step_slug, coalesce(d.slug = v_array_slug, false)
  from unnest(v_deps) d(slug)
  on conflict on constraint deps_pkey do nothing;

  select s.* into v_step
  from pgflow.steps s
  where s.flow_slug = add_step.flow_slug and s.step_slug = add_step.step_slug;
  return v_step;
end;
$$;

-- ---- schema/30_definition/alter_flow.sql
-- for: migrate
-- Sets the complete set of a flow's options; NULL is the default of create_flow. Tasks that have started keep
-- the timeout they were claimed with, and runs the run_timeout they were started with.
create function pgflow.alter_flow(
  flow_slug text,
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  backoff text default null,
  max_delay int default null,
  options jsonb default '{}'
)
returns pgflow.flows
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_options jsonb := pgflow._flow_options(alter_flow.options);
  v_flow pgflow.flows;
  v_timeouts int[];  -- before
begin
  perform 1 from pgflow.flows f where f.flow_slug = alter_flow.flow_slug for no key update;
  select p.timeouts into v_timeouts from pgflow.prepared_flows p where p.flow_slug = alter_flow.flow_slug;
  update pgflow.flows f
  set opt_max_attempts = coalesce(alter_flow.max_attempts, 3),
      opt_base_delay = coalesce(alter_flow.base_delay, 5),
      opt_timeout = coalesce(alter_flow.timeout, 60),
      opt_backoff = alter_flow.backoff,
      opt_max_delay = alter_flow.max_delay,
      options = v_options
  where f.flow_slug = alter_flow.flow_slug
  returning f.* into v_flow;
  if not found then
    perform pgflow._check_flows(array[alter_flow.flow_slug]);
  end if;
  perform pgflow._keep_longer_timeouts(alter_flow.flow_slug, v_timeouts);
  return v_flow;
end;
$$;

-- ---- schema/30_definition/alter_step.sql
-- for: migrate
-- Sets the complete set of a step's options and conditions; NULL is the flow's option, no condition, or the
-- default mode. Steps that have started keep what they started with.
create function pgflow.alter_step(
  flow_slug text,
  step_slug text,
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  start_delay int default null,
  required_input_pattern jsonb default null,
  forbidden_input_pattern jsonb default null,
  when_unmet text default null,
  when_exhausted text default null,
  backoff text default null,
  max_delay int default null,
  options jsonb default '{}'
)
returns pgflow.steps
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text;
  v_subflow jsonb;
  v_options jsonb;
  v_step pgflow.steps;
  v_timeouts int[];  -- before
begin
  perform 1 from pgflow.flows f where f.flow_slug = alter_step.flow_slug for no key update;
  select s.kind, s.options -> 'subflow' into v_kind, v_subflow
  from pgflow.steps s
  where s.flow_slug = alter_step.flow_slug and s.step_slug = alter_step.step_slug;
  if alter_step.options ->> 'kind' <> v_kind then
    raise exception 'Step "%" is a %, and stays one', alter_step.step_slug, v_kind
      using errcode = 'PF010', hint = 'A flow''s structure never changes: give the step another slug, or the flow.';
  end if;
  if alter_step.options -> 'subflow' <> v_subflow then
    raise exception 'The runs of step "%" are of flow "%", and stay so', alter_step.step_slug, v_subflow ->> 0
      using errcode = 'PF010', hint = 'A flow''s structure never changes: give the step another slug, or the flow.';
  end if;
  if alter_step.options ->> 'array' <> coalesce((
    select d.dep_slug
    from pgflow.deps d
    where d.flow_slug = alter_step.flow_slug and d.step_slug = alter_step.step_slug and d.is_array
  ), 'flow_input') then
    raise exception 'Step "%" goes over another array', alter_step.step_slug
      using errcode = 'PF010', hint = 'A flow''s structure never changes: give the step another slug, or the flow.';
  end if;
  v_options := pgflow._step_options(case
    when v_subflow is null then alter_step.options
    else jsonb_build_object('subflow', v_subflow) || coalesce(alter_step.options, '{}')
  end, coalesce(v_kind, 'task'), array(
    select d.dep_slug
    from pgflow.deps d
    where d.flow_slug = alter_step.flow_slug and d.step_slug = alter_step.step_slug
  ));
  select p.timeouts into v_timeouts from pgflow.prepared_flows p where p.flow_slug = alter_step.flow_slug;
  update pgflow.steps s
  set opt_max_attempts = alter_step.max_attempts,
      opt_base_delay = alter_step.base_delay,
      opt_timeout = alter_step.timeout,
      opt_start_delay = alter_step.start_delay,
      required_input_pattern = alter_step.required_input_pattern,
      forbidden_input_pattern = alter_step.forbidden_input_pattern,
      when_unmet = coalesce(alter_step.when_unmet, 'skip'),
      when_exhausted = coalesce(alter_step.when_exhausted, 'fail'),
      opt_backoff = alter_step.backoff,
      opt_max_delay = alter_step.max_delay,
      options = v_options
  where s.flow_slug = alter_step.flow_slug and s.step_slug = alter_step.step_slug
  returning s.* into v_step;
  if not found then
    perform pgflow._check_flows(array[alter_step.flow_slug]);
    raise exception 'Flow "%" has no step "%"', alter_step.flow_slug, alter_step.step_slug
      using errcode = 'PF001', 
        hint = 'Steps are added by add_step; changing a flow''s structure needs a new version.';
  end if;
  perform pgflow._keep_longer_timeouts(alter_step.flow_slug, v_timeouts);
  return v_step;
end;
$$;

-- ---- schema/30_definition/create_flow.sql
-- for: migrate
-- Defines a flow and its queue; does nothing to a flow that is there. options: {"run_timeout": seconds}, and
-- what follows the ends of its runs (see _check_companion_options). Raises PF004
-- for a slug that cannot name a queue, PF011 for options that are none.
create function pgflow.create_flow(
  flow_slug text,
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  backoff text default null,
  max_delay int default null,
  options jsonb default '{}'
)
returns pgflow.flows
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_options jsonb := pgflow._flow_options(create_flow.options);
  v_other text;
  v_flow pgflow.flows;
begin
  if pgflow.is_valid_slug(create_flow.flow_slug) then
    if length(create_flow.flow_slug) > 47 then
      raise exception 'Flow slug "%" is too long to name a queue: % characters, pgmq allows 47',
        create_flow.flow_slug, length(create_flow.flow_slug)
        using errcode = 'PF004', hint = 'Choose a shorter slug.';
    end if;
    -- Two slugs that differ only in case would share one queue.
    perform pg_advisory_xact_lock(hashtextextended('pgflow.flow:' || lower(create_flow.flow_slug), 0));
    select f.flow_slug into v_other
    from pgflow.flows f
    where lower(f.flow_slug) = lower(create_flow.flow_slug) and f.flow_slug <> create_flow.flow_slug;
    if found then
      raise exception 'Flow slug "%" differs from the existing flow "%" only in case, both would share a queue',
        create_flow.flow_slug, v_other
        using errcode = 'PF004', hint = 'Choose another slug.';
    end if;
  end if;

  insert into pgflow.flows (
    flow_slug, opt_max_attempts, opt_base_delay, opt_timeout, opt_backoff, opt_max_delay, options
  )
  values (
    create_flow.flow_slug,
    coalesce(create_flow.max_attempts, 3),
    coalesce(create_flow.base_delay, 5),
    coalesce(create_flow.timeout, 60),
    create_flow.backoff,
    create_flow.max_delay,
    v_options
  )
  on conflict on constraint flows_pkey do nothing;

  if not exists (select 1 from pgmq.meta m where m.queue_name = create_flow.flow_slug) then
    perform pgmq.create(create_flow.flow_slug);
  end if;
  perform pgflow._index_delivered(create_flow.flow_slug);

  select f.* into v_flow from pgflow.flows f where f.flow_slug = create_flow.flow_slug;
  return v_flow;
end;
$$;

-- ---- schema/30_definition/delete_flow_and_data.sql
-- for: migrate
-- Deletes a flow with its queue, runs and everything else. For development; nothing that is generated calls it.
create function pgflow.delete_flow_and_data(p_flow_slug text)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- no start, no completion comes between: each holds one of these while it writes
  perform 1 from pgflow.prepared_flows p where p.flow_slug = p_flow_slug for update;
  perform 1 from pgflow.runs r where r.flow_slug = p_flow_slug order by r.run_id for update;

  if exists (select 1 from pgmq.meta m where m.queue_name = p_flow_slug) then
    perform pgmq.drop_queue(p_flow_slug);
  end if;
  delete from pgflow.step_tasks t
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and t.run_id = r.run_id;
  delete from pgflow.step_states s where s.flow_slug = p_flow_slug;
  -- runs whose undos go have not been undone; what is done at their ends follows
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload)
  select clock_timestamp(), 'companions', p.flow_slug, o.from_run_id,
    jsonb_build_object('number', o.attempt, 'undone', 'failed')
  from pgflow.runs r
  join pgflow.origins o on o.run_id = r.run_id and o.kind = 'undo'
  join pgflow.runs p on p.run_id = o.from_run_id
  where r.flow_slug = p_flow_slug and r.status = 'started';
  -- parents of its runs are told; what is theirs goes with them
  insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
  select o.from_run_id, o.step_slug, o.task_index, o.attempt, o.run_id
  from pgflow.origins o
  join pgflow.runs r on r.run_id = o.run_id
  where r.flow_slug = p_flow_slug and o.kind = 'child';
  delete from pgflow.ended_children e
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and e.run_id = r.run_id;
  delete from pgflow.origins o
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and o.run_id = r.run_id;
  delete from pgflow.late_results l
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and l.run_id = r.run_id;
  delete from pgflow.schedules c where c.flow_slug = p_flow_slug;
  delete from pgflow.timers i where i.flow_slug = p_flow_slug;
  delete from pgflow.waiting_signals w where w.flow_slug = p_flow_slug;
  delete from pgflow.signal_keys k
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and k.run_id = r.run_id;
  delete from pgflow.signals g
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and g.run_id = r.run_id;
  delete from pgflow.actions a where a.flow_slug = p_flow_slug;
  delete from pgflow.runs r where r.flow_slug = p_flow_slug;
  delete from pgflow.deps d where d.flow_slug = p_flow_slug;
  delete from pgflow.steps st where st.flow_slug = p_flow_slug;
  delete from pgflow.flows f where f.flow_slug = p_flow_slug;
end;
$$;

-- ---- schema/30_definition/flow_triggers.sql
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

-- ---- schema/30_definition/get_flow_definition.sql
-- for: worker, client
-- What this database knows of a flow, in the shape that build, client and worker compare; null if unknown. Beside it,
-- in reads_input, which steps are known to read the run's input or not to.
create function pgflow.get_flow_definition(flow_slug text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'structure', jsonb_build_object('steps', coalesce(
        (
          select jsonb_agg(
            jsonb_build_object(
              'slug', st.step_slug,
              'type', st.step_type,
              'dependencies', coalesce(
                (
                  select jsonb_agg(d.dep_slug order by d.dep_slug collate "C")
                  from pgflow.deps d
                  where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
                ),
                '[]'
              )
            ) || case when st.kind = 'task' then '{}' else jsonb_build_object('kind', st.kind) end
              || case when st.kind = 'subflow' then jsonb_build_object('subflow', st.options -> 'subflow') else '{}' end
            || coalesce(
              (
                select jsonb_build_object('array', coalesce(min(d.dep_slug) filter (where d.is_array), 'flow_input'))
                from pgflow.deps d
                where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug and st.step_type = 'map'
                having count(*) > 1 or not bool_or(d.is_array)
              ),
              '{}'
            )
            || case when f.options #> array['undo', 'steps'] ? st.step_slug
              then jsonb_build_object('undo', f.options #> array['undo', 'steps', st.step_slug, 'by']) else '{}' end
            order by st.step_slug collate "C"
          )
          from pgflow.steps st
          where st.flow_slug = f.flow_slug
        ),
        '[]'
      )),
      'settings', jsonb_strip_nulls(jsonb_build_object(
        'max_attempts', f.opt_max_attempts,
        'base_delay', f.opt_base_delay,
        'timeout', f.opt_timeout,
        'backoff', f.opt_backoff,
        'max_delay', f.opt_max_delay
      )) || f.options || jsonb_build_object('steps', coalesce(
        (
          -- nulls are stripped from the settings, not from the patterns
          select jsonb_object_agg(
            st.step_slug,
            jsonb_strip_nulls(jsonb_build_object(
              'max_attempts', st.opt_max_attempts,
              'base_delay', st.opt_base_delay,
              'timeout', st.opt_timeout,
              'backoff', st.opt_backoff,
              'max_delay', st.opt_max_delay,
              'start_delay', st.opt_start_delay,
              'when_unmet', st.when_unmet,
              'when_exhausted', st.when_exhausted
            ))
            || case when st.required_input_pattern is null then '{}'
              else jsonb_build_object('if', st.required_input_pattern) end
            || case when st.forbidden_input_pattern is null then '{}'
              else jsonb_build_object('if_not', st.forbidden_input_pattern) end
            || st.options - '{reads_input,subflow}'::text[]
          )
          from pgflow.steps st
          where st.flow_slug = f.flow_slug
        ),
        '{}'
      ))
    ) || coalesce(
      (
        select jsonb_build_object('reads_input', jsonb_object_agg(st.step_slug, st.options -> 'reads_input'))
        from pgflow.steps st
        where st.flow_slug = f.flow_slug and st.options ? 'reads_input'
        having count(*) > 0
      ),
      '{}'
    )
    from pgflow.flows f
    where f.flow_slug = get_flow_definition.flow_slug
  );
end;
$$;

-- ---- schema/30_definition/note_input_readers.sql
-- for: worker
-- Notes which steps of a flow read the run's input (true) and which do not (false), as their programs say:
-- {"<step>": true | false}; fork_run asks. Steps that are not named, or not there, stay as they are. Returns how many
-- were noted anew. Raises PF001 for an unknown flow, PF011 for what is no such object.
create function pgflow.note_input_readers(flow_slug text, reads_input jsonb)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count int;
begin
  perform pgflow._check_flows(array[note_input_readers.flow_slug]);
  if jsonb_typeof(note_input_readers.reads_input) is distinct from 'object'
    or exists (
      select 1 from jsonb_each(note_input_readers.reads_input) e(slug, value)
      where jsonb_typeof(e.value) <> 'boolean'
    )
  then
    raise exception 'Which steps read the input is an object of true and false, not %',
      left(note_input_readers.reads_input::text, 100)
      using errcode = 'PF011', hint = 'Pass {"<step>": true} for steps that do, false for those that do not.';
  end if;
  perform 1 from pgflow.flows f where f.flow_slug = note_input_readers.flow_slug for no key update;
  update pgflow.steps s
  set options = s.options || jsonb_build_object('reads_input', e.value)
  from jsonb_each(note_input_readers.reads_input) e(slug, value)
  where s.flow_slug = note_input_readers.flow_slug
    and s.step_slug = e.slug
    and s.options -> 'reads_input' is distinct from e.value;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

-- ---- schema/40_runs/_advance.sql
-- What follows when steps (pairs with their flows, in started runs) have been completed or skipped: release the dependents,
-- resolve conditions and taskless steps, start what is ready, hand tasks over, complete runs.
-- count_steps: whether runs.remaining_steps still has to go down by these steps. has_large_values: false where
-- none of the flows has carried any; has_timeouts where none has one for its runs; has_conditions where none has a
-- condition, a map, or a step without a handler. Returns what was handed over.
create function pgflow._advance(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  hand_over int,
  count_steps boolean,
  has_large_values boolean,
  has_timeouts boolean,
  has_conditions boolean,
  out handed_flow_slugs text[],
  out handed_run_ids uuid[],
  out handed_step_slugs text[],
  out handed_task_indexes int[]
)
language plpgsql
as $$
declare
  v_to_settle uuid[];
  v_released record;
  v_started record;
  v_handed record;
begin
  if has_conditions then
    v_to_settle := pgflow._runs_to_settle(_advance.flow_slugs, _advance.run_ids, _advance.step_slugs);
  end if;
  v_released := pgflow._release_dependents(
    _advance.flow_slugs, _advance.run_ids, _advance.step_slugs, _advance.worker_ids, true, v_to_settle
  );

  if v_released.ready_run_ids is not null then
    select s.* into v_started
    from pgflow._settle(v_released.ready_run_ids, v_released.ready_step_slugs) p
    cross join lateral pgflow._start_steps(p.start_run_ids, p.start_step_slugs) s;

    v_released.started_worker_ids := v_released.started_worker_ids || array(
      -- any worker of the same run will do: it has just worked on it
      select _advance.worker_ids[array_position(_advance.run_ids, s.run_id)]
      from unnest(v_started.started_run_ids) with ordinality s(run_id, position)
      order by s.position
    );
    v_released.started_flow_slugs := v_released.started_flow_slugs || v_started.started_flow_slugs;
    v_released.started_task_counts := v_released.started_task_counts || v_started.started_task_counts;
    v_released.started_run_ids := v_released.started_run_ids || v_started.started_run_ids;
    v_released.started_step_slugs := v_released.started_step_slugs || v_started.started_step_slugs;
  end if;

  if v_released.started_run_ids is not null then
    if to_regnamespace('realtime') is not null then
      perform pgflow._send_events('step:started', v_released.started_run_ids, v_released.started_step_slugs);
    end if;
    v_handed := pgflow._spawn_tasks(
      v_released.started_flow_slugs, v_released.started_run_ids, v_released.started_step_slugs,
      v_released.started_worker_ids, v_released.started_task_counts, hand_over
    );
    handed_flow_slugs := v_handed.handed_flow_slugs;
    handed_run_ids := v_handed.handed_run_ids;
    handed_step_slugs := v_handed.handed_step_slugs;
    handed_task_indexes := v_handed.handed_task_indexes;
  end if;

  perform pgflow._finish_runs(_advance.run_ids, count_steps, has_large_values, has_timeouts);
end;
$$;

-- ---- schema/40_runs/_await_begins.sql
-- Lets those of these started runs that have not begun wait for their time, and no less than delays[i] seconds. Callers
-- hold the runs, or have just made them.
create function pgflow._await_begins(run_ids uuid[], delays double precision[] default null)
returns void
language plpgsql
as $$
declare
  v_flow_slugs text[];
begin
  with awaited as (
    insert into pgflow.timers (due_at, kind, flow_slug, run_id)
    select greatest(r.begins_at, clock_timestamp() + make_interval(secs => coalesce(i.delay, 0))), 'begin', r.flow_slug,
      r.run_id
    from unnest(_await_begins.run_ids, _await_begins.delays) i(run_id, delay)
    cross join lateral (select * from pgflow.runs l where l.run_id = i.run_id limit 1) r
    where r.begins_at is not null
    returning flow_slug
  )
  select array_agg(distinct a.flow_slug) into v_flow_slugs from awaited a;
  perform pgflow._notify(v_flow_slugs, null);
end;
$$;

-- ---- schema/40_runs/_begins_at.sql
-- When runs are to begin by the options of their start; null: at once. Refuses what is no such option, or no time.
create function pgflow._begins_at(options jsonb)
returns timestamptz
language plpgsql
as $$
declare
  v_options jsonb := pgflow._known_options('start', _begins_at.options, array['begins_at']);
  v_begins_at timestamptz := pgflow._instant(v_options -> 'begins_at');
begin
  if (v_options ? 'begins_at') and v_begins_at is null then
    raise exception 'begins_at is no time: %', left(v_options ->> 'begins_at', 100)
      using errcode = 'PF011', hint = 'Write it as 2026-03-01T12:30:00Z, with the offset from UTC.';
  end if;
  return case when v_begins_at > clock_timestamp() then v_begins_at end;
end;
$$;

-- ---- schema/40_runs/_can_send_events.sql
-- Whether there is a realtime.send that we may call; one in a schema that somebody else has made is none. The catalogue
-- is asked right by right: names in a schema that we may not use are an error to look up.
create function pgflow._can_send_events()
returns boolean
language plpgsql
stable
as $$
declare
  v_send oid;
begin
  if not has_schema_privilege('realtime', 'usage') or not pgflow._is_trusted('realtime') then
    return false;
  end if;
  v_send := to_regprocedure('realtime.send(jsonb, text, text, boolean)');
  return v_send is not null and has_function_privilege(v_send, 'execute');
end;
$$;

-- ---- schema/40_runs/_check_array_input.sql
create function pgflow._check_array_input(flow_slug text, input jsonb)
returns void
language plpgsql
as $$
begin
  if _check_array_input.input is null then
    raise exception 'Flow % has root map steps but input is NULL', _check_array_input.flow_slug;
  end if;
  if jsonb_typeof(_check_array_input.input) <> 'array' then
    raise exception 'Flow % has root map steps but input is not an array (got %)',
      _check_array_input.flow_slug, jsonb_typeof(_check_array_input.input);
  end if;
end;
$$;

-- ---- schema/40_runs/_check_cascade.sql
-- A chain of more than fifty empty maps is taken for a loop (the limit is pgflow's).
create function pgflow._check_cascade(round_count int)
returns void
language plpgsql
as $$
begin
  if round_count > 50 then
    raise exception 'Cascade loop exceeded safety limit of 50 iterations'
      using errcode = 'PF007', hint = 'Chain at most fifty maps without a single step between them.';
  end if;
end;
$$;

-- ---- schema/40_runs/_check_same_runs.sql
-- Starting with the id of an existing run is repeating the same start, or a mistake.
create function pgflow._check_same_runs(flow_slug text, run_ids uuid[], inputs jsonb[])
returns void
language plpgsql
as $$
declare
  v_run_id uuid;
begin
  select r.run_id into v_run_id
  from unnest(_check_same_runs.run_ids, _check_same_runs.inputs) i(run_id, input)
  cross join lateral (select l.* from pgflow.runs l where l.run_id = i.run_id limit 1) r
  where r.flow_slug <> _check_same_runs.flow_slug or r.input <> coalesce(i.input, 'null')
  limit 1;
  if found then
    raise exception 'Run % exists already, with another flow or input', v_run_id
      using errcode = 'PF002', hint = 'Use a new run id, or start again with the same flow and input.';
  end if;
end;
$$;

-- ---- schema/40_runs/_complete_taskless.sql
-- Completes ready steps without tasks (pairs, of started runs) and releases their dependents; returns those
-- that became ready.
create function pgflow._complete_taskless(
  run_ids uuid[], step_slugs text[], out ready_run_ids uuid[], out ready_step_slugs text[]
)
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  update pgflow.step_states s
  set status = 'completed',
      started_at = greatest(now(), s.created_at),
      completed_at = greatest(now(), s.created_at),
      remaining_tasks = 0,
      output = (
        select '[]'::jsonb
        from pgflow.steps st
        where st.flow_slug = s.flow_slug and st.step_slug = s.step_slug and st.step_type = 'map'
      )
  from (
    select *
    from unnest(_complete_taskless.run_ids, _complete_taskless.step_slugs) g(run_id, step_slug)
    limit v_all
  ) p
  where s.run_id = p.run_id and s.step_slug = p.step_slug;

  update pgflow.runs r
  set remaining_steps = r.remaining_steps - c.step_count
  from (
    select p.run_id, count(*)::int as step_count
    from unnest(_complete_taskless.run_ids) p(run_id)
    group by p.run_id
    limit v_all
  ) c
  where r.run_id = c.run_id;

  perform pgflow._send_events('step:completed', _complete_taskless.run_ids, _complete_taskless.step_slugs);

  select d.ready_run_ids, d.ready_step_slugs into ready_run_ids, ready_step_slugs
  from pgflow._release_dependents(
    pgflow._flows_of(_complete_taskless.run_ids), _complete_taskless.run_ids, _complete_taskless.step_slugs,
    null, false, null
  ) d;
end;
$$;

-- ---- schema/40_runs/_elements.sql
-- The elements that the tasks of these steps of one flow go over, in the order of the steps and of their tasks;
-- null for tasks of single steps, and of maps whose number of tasks was set by hand.
create function pgflow._elements(flow_slug text, run_ids uuid[], step_slugs text[], task_counts int[])
returns jsonb[]
language plpgsql
as $$
declare
  v_slugs text[];        -- of the flow's steps, as the next
  v_array_slugs text[];
begin
  select p.step_slugs, p.array_slugs into v_slugs, v_array_slugs
  from pgflow.prepared_flows p
  where p.flow_slug = _elements.flow_slug;

  return array(
    select e.element
    from unnest(_elements.run_ids, _elements.step_slugs, _elements.task_counts)
      with ordinality p(run_id, step_slug, task_count, position)
    cross join lateral (
      select case
        when g.array_slug = '' then (select r.input from pgflow.runs r where r.run_id = p.run_id)
        when g.array_slug is not null then (
          select s.output from pgflow.step_states s where s.run_id = p.run_id and s.step_slug = g.array_slug
        )
      end as items
      from (select v_array_slugs[array_position(v_slugs, p.step_slug)] as array_slug) g
      offset 0
    ) a
    cross join lateral (
      select case
        when jsonb_typeof(a.items) = 'array' and jsonb_array_length(a.items) = p.task_count then a.items
      end as items
    ) b
    cross join lateral (
      select i.element, i.position as task_index
      from jsonb_array_elements(b.items) with ordinality i(element, position)
      union all
      select null, g.task_index
      from generate_series(1, p.task_count) g(task_index)
      where b.items is null
    ) e
    order by p.position, e.task_index
  );
end;
$$;

-- ---- schema/40_runs/_fail_runs.sql
-- Fails one step and with it the run, for several runs: element i is the step that failed and why.
-- Callers hold the run locks and pass started runs only, each once.
create function pgflow._fail_runs(run_ids uuid[], step_slugs text[], error_messages text[])
returns void
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  update pgflow.step_states s
  set status = 'failed',
      failed_at = greatest(now(), s.created_at, s.started_at),
      error_message = f.error_message
  from (
    select *
    from unnest(_fail_runs.run_ids, _fail_runs.step_slugs, _fail_runs.error_messages)
      g(run_id, step_slug, error_message)
    limit v_all
  ) f
  where s.run_id = f.run_id and s.step_slug = f.step_slug;

  update pgflow.runs r
  set status = 'failed',
      failed_at = greatest(now(), r.started_at),
      error_message = f.error_message
  from (
    select * from unnest(_fail_runs.run_ids, _fail_runs.error_messages) g(run_id, error_message) limit v_all
  ) f
  where r.run_id = f.run_id;

  perform pgflow._send_events('step:failed', _fail_runs.run_ids, _fail_runs.step_slugs);
  perform pgflow._send_events('run:failed', _fail_runs.run_ids);
  perform pgflow._archive_open_tasks(_fail_runs.run_ids);
  perform pgflow._note_ends(_fail_runs.run_ids);
end;
$$;

-- ---- schema/40_runs/_finish_large_runs.sql
-- _finish_runs for flows that have carried large values: a run whose outputs cannot be put together, as PostgreSQL holds
-- 256 MB in one value, fails. Only where there is one are they taken run by run. Callers hold the run locks.
create function pgflow._finish_large_runs(run_ids uuid[], count_steps boolean, has_timeouts boolean)
returns void
language plpgsql
as $$
declare
  v_run record;
begin
  begin
    perform pgflow._finish_runs(_finish_large_runs.run_ids, _finish_large_runs.count_steps, false, has_timeouts);
    return;
  exception when others then
    if pgflow._is_passing(sqlstate) then
      raise;
    end if;
  end;

  for v_run in
    select l.run_id, array_agg(l.run_id) as run_ids
    from unnest(_finish_large_runs.run_ids) l(run_id)
    group by l.run_id
    order by l.run_id
  loop
    begin
      perform pgflow._finish_runs(v_run.run_ids, _finish_large_runs.count_steps, false, has_timeouts);
    exception when others then
      if pgflow._is_passing(sqlstate) then
        raise;
      end if;
      update pgflow.runs r
      set status = 'failed',
          failed_at = greatest(now(), r.started_at),
          remaining_steps = 0,
          error_message = format(
            'OutputTooLarge: the outputs of the run''s last steps cannot be put together: %s (%s). Store large data '
              || 'elsewhere and hand over where it is.', sqlerrm, sqlstate
          )
      where r.run_id = v_run.run_id;
      perform pgflow._send_events('run:failed', array[v_run.run_id]);
      perform pgflow._drop_timers(array[v_run.run_id]);
      perform pgflow._note_ends(array[v_run.run_id]);
    end;
  end loop;
end;
$$;

-- ---- schema/40_runs/_finish_runs.sql
-- Lowers remaining_steps by the number of times a run is listed (unless count_steps is false) and completes
-- the started runs that have nothing left, with the outputs of their completed leaf steps.
-- Where the flows have carried large values, a run whose outputs do not fit into one value fails instead. Where they
-- have time-outs for whole runs, those end with the run; has_timeouts is true also where something follows its end.
create function pgflow._finish_runs(
  run_ids uuid[], count_steps boolean, has_large_values boolean default true, has_timeouts boolean default true
)
returns void
language plpgsql
as $$
declare
  v_finished uuid[];
  v_followed uuid[];  -- of these: somebody has to hear of it, or something follows
  v_all bigint;  -- see 00_model/model.sql
begin
  if has_large_values then
    perform pgflow._finish_large_runs(_finish_runs.run_ids, _finish_runs.count_steps, has_timeouts);
    return;
  end if;

  with finished as (
    update pgflow.runs r
    set remaining_steps = r.remaining_steps - c.step_count,
        status = case when r.status = 'started' and r.remaining_steps = c.step_count
          then 'completed' else r.status end,
        completed_at = case when r.status = 'started' and r.remaining_steps = c.step_count
          then greatest(now(), r.started_at) else r.completed_at end,
        output = case when r.status = 'started' and r.remaining_steps = c.step_count
          then (
            select jsonb_object_agg(s.step_slug, coalesce(s.output, 'null'))
            from pgflow.step_states s
            where s.run_id = r.run_id
              and s.status = 'completed'
              and not exists (
                select 1 from pgflow.deps d where d.flow_slug = s.flow_slug and d.dep_slug = s.step_slug
              )
          )
          else r.output end
    from (
      select l.run_id, case when _finish_runs.count_steps then count(*)::int else 0 end as step_count
      from unnest(_finish_runs.run_ids) l(run_id)
      group by l.run_id
      limit v_all
    ) c
    where r.run_id = c.run_id
      and (c.step_count > 0 or (r.status = 'started' and r.remaining_steps = 0))
    returning r.run_id, r.status, r.remaining_steps, r.has_origin
  )
  select array_agg(f.run_id order by f.run_id) filter (where f.status = 'completed' and f.remaining_steps = 0),
    array_agg(f.run_id) filter (where f.has_origin and f.status = 'completed' and f.remaining_steps = 0)
  into v_finished, v_followed
  from finished f;

  if v_finished is not null then
    if to_regnamespace('realtime') is not null then
      perform pgflow._send_events('run:completed', v_finished);
    end if;
    if has_timeouts then
      perform pgflow._drop_timers(v_finished);
      v_followed := v_followed || pgflow._runs_with_ends(v_finished);
    end if;
    if v_followed is not null then
      perform pgflow._note_ends(array(select distinct i.run_id from unnest(v_followed) i(run_id)));
    end if;
  end if;
end;
$$;

-- ---- schema/40_runs/_flows_of.sql
-- The flows of these runs, in their order.
create function pgflow._flows_of(run_ids uuid[])
returns text[]
language plpgsql
as $$
begin
  return array(
    select r.flow_slug
    from unnest(_flows_of.run_ids) with ordinality p(run_id, position)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = p.run_id limit 1) r
    order by p.position
  );
end;
$$;

-- ---- schema/40_runs/_force_skip.sql
-- Skips everything that depends on the given steps (pairs), directly or not, and with reasons also these
-- themselves: reason i for pair i, 'dependency_skipped' for the rest. The recursion walks steps, not paths
-- (union removes duplicates), so stacked diamonds stay linear. remaining_deps stay as they are: whatever
-- could still count on them is skipped too. Returns the number skipped.
create function pgflow._force_skip(run_ids uuid[], step_slugs text[], reasons text[] default null)
returns int
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_step_slugs text[];
  v_reasons text[];
begin
  with recursive doomed(run_id, flow_slug, step_slug) as (
    select p.run_id, r.flow_slug, p.step_slug
    from unnest(_force_skip.run_ids, _force_skip.step_slugs) p(run_id, step_slug)
    join pgflow.runs r on r.run_id = p.run_id
    union
    select d.run_id, d.flow_slug, dep.step_slug
    from doomed d
    join pgflow.deps dep on dep.flow_slug = d.flow_slug and dep.dep_slug = d.step_slug
  ),
  reached as (
    -- the first pairs may themselves be dependents of one another; their own reason wins
    select d.run_id, d.flow_slug, d.step_slug,
      (select g.reason
       from unnest(_force_skip.run_ids, _force_skip.step_slugs, _force_skip.reasons)
         g(run_id, step_slug, reason)
       where g.run_id = d.run_id and g.step_slug = d.step_slug
       limit 1) as reason,
      exists (
        select 1
        from unnest(_force_skip.run_ids, _force_skip.step_slugs) g(run_id, step_slug)
        where g.run_id = d.run_id and g.step_slug = d.step_slug
      ) as given
    from doomed d
  )
  select
    array_agg(d.run_id order by d.run_id, st.step_index),
    array_agg(d.step_slug order by d.run_id, st.step_index),
    array_agg(coalesce(d.reason, 'dependency_skipped') order by d.run_id, st.step_index)
  into v_run_ids, v_step_slugs, v_reasons
  from reached d
  join pgflow.steps st on st.flow_slug = d.flow_slug and st.step_slug = d.step_slug
  where _force_skip.reasons is not null or not d.given;

  return pgflow._skip_steps(v_run_ids, v_step_slugs, v_reasons);
end;
$$;

-- ---- schema/40_runs/_is_unmet.sql
-- Whether a ready step must not run: the only place that evaluates conditions. Patterns of a root step are over the
-- run's input, those of others over an object of the outputs of their completed dependencies, in which flow_input is
-- the run's input, unless that is a dependency's name.
create function pgflow._is_unmet(step pgflow.steps, run_id uuid, flow_input jsonb)
returns boolean
language plpgsql
stable
as $$
declare
  v_required jsonb := step.options -> 'if_any';
  v_forbidden jsonb := step.options -> 'if_not_any';
  v_input jsonb := flow_input;
begin
  if step.options ?| array['if_ran', 'if_skipped'] and exists (
    select 1
    from unnest(array['completed', 'skipped'], array['if_ran', 'if_skipped']) k(status, key)
    cross join lateral jsonb_array_elements_text(step.options -> k.key) d(slug)
    join pgflow.step_states s on s.run_id = _is_unmet.run_id and s.step_slug = d.slug
    where s.status <> k.status
  ) then
    return true;
  end if;
  if step.required_input_pattern is not null then
    v_required := jsonb_build_array(step.required_input_pattern);
  end if;
  if step.forbidden_input_pattern is not null then
    v_forbidden := jsonb_build_array(step.forbidden_input_pattern);
  end if;
  if v_required is null and v_forbidden is null then
    return false;
  end if;

  if step.deps_count > 0 then
    select coalesce(jsonb_object_agg(d.dep_slug, coalesce(s.output, 'null')), '{}') into v_input
    from pgflow.deps d
    join pgflow.step_states s on s.run_id = _is_unmet.run_id and s.step_slug = d.dep_slug
    where d.flow_slug = step.flow_slug and d.step_slug = step.step_slug and s.status = 'completed';
    if exists (
      select 1 from jsonb_array_elements(coalesce(v_required, '[]') || coalesce(v_forbidden, '[]')) p(pattern)
      where p.pattern ? 'flow_input'
    ) and not exists (
      select 1
      from pgflow.deps d
      where d.flow_slug = step.flow_slug and d.step_slug = step.step_slug and d.dep_slug = 'flow_input'
    ) then
      v_input := v_input || jsonb_build_object('flow_input', flow_input);
    end if;
  end if;
  return
    v_required is not null
      and not exists (select 1 from jsonb_array_elements(v_required) p(pattern) where v_input @> p.pattern)
    or v_forbidden is not null
      and exists (select 1 from jsonb_array_elements(v_forbidden) p(pattern) where v_input @> p.pattern);
end;
$$;

-- ---- schema/40_runs/_judge_steps.sql
-- What has to happen to ready steps (pairs): verdict 'fail' (run fails), 'drop' (another step fails the run),
-- 'skip', 'skip-cascade' (condition unmet), 'taskless', 'wait' (no handler) or 'start'. Pairs that are not ready any more, or whose
-- run has ended, are left out. The only place that evaluates conditions.
create function pgflow._judge_steps(run_ids uuid[], step_slugs text[])
returns table (run_id uuid, step_slug text, verdict text)
language plpgsql
as $$
begin
  return query
  select
    j.run_id,
    j.step_slug,
    case
      when min(j.step_index) filter (where j.verdict = 'fail') over w is null then j.verdict
      when j.verdict = 'fail' and j.step_index = min(j.step_index) filter (where j.verdict = 'fail') over w
        then 'fail'
      else 'drop'
    end
  from (
    select
      s.run_id,
      s.step_slug,
      st.step_index,
      case
        when pgflow._has_condition(st) and pgflow._is_unmet(st, s.run_id, r.input) then st.when_unmet
        when st.kind in ('signal', 'sleep', 'pick') then 'wait'
        when s.initial_tasks = 0 then 'taskless'
        else 'start'
      end as verdict
    from unnest(_judge_steps.run_ids, _judge_steps.step_slugs) p(run_id, step_slug)
    cross join lateral (
      select * from pgflow.step_states s where s.run_id = p.run_id and s.step_slug = p.step_slug limit 1
    ) s
    cross join lateral (select r.status, r.input from pgflow.runs r where r.run_id = p.run_id limit 1) r
    cross join lateral (
      select * from pgflow.steps st where st.flow_slug = s.flow_slug and st.step_slug = p.step_slug limit 1
    ) st
    where r.status = 'started' and s.status = 'created' and s.remaining_deps = 0
  ) j
  window w as (partition by j.run_id)
  order by j.run_id, j.step_index;
end;
$$;

-- ---- schema/40_runs/_release_dependents.sql
-- Steps that have just been completed or skipped (pairs, with their flows) release their dependents:
-- remaining_deps goes down, a dependent map learns its number of tasks. With start = true dependents that
-- become ready are started in the same update (one row version less), except in the runs to_settle, where a dependent
-- has a condition or no tasks: see _runs_to_settle. Returns pairs: started ones (with flow, number of
-- tasks, and the worker of a parent), and those that became ready but were not started.
create function pgflow._release_dependents(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  start boolean,
  to_settle uuid[],
  out started_flow_slugs text[],
  out started_run_ids uuid[],
  out started_step_slugs text[],
  out started_worker_ids uuid[],
  out started_task_counts int[],
  out ready_run_ids uuid[],
  out ready_step_slugs text[]
)
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  with released as (
    update pgflow.step_states c
    set remaining_deps = c.remaining_deps - x.dep_count,
        initial_tasks = coalesce(c.initial_tasks, x.task_count),
        status = case when x.start and c.status = 'created' and c.remaining_deps = x.dep_count
            and coalesce(c.initial_tasks, x.task_count) > 0
          then 'started' else c.status end,
        started_at = case when x.start and c.status = 'created' and c.remaining_deps = x.dep_count
            and coalesce(c.initial_tasks, x.task_count) > 0
          then greatest(now(), c.created_at) else c.started_at end,
        remaining_tasks = case when x.start and c.status = 'created' and c.remaining_deps = x.dep_count
          then nullif(coalesce(c.initial_tasks, x.task_count), 0) else c.remaining_tasks end
    from (
      select
        d.run_id,
        dep.step_slug,
        count(*)::int as dep_count,
        max(case when dep.is_array then (
          select case
            when p.status = 'skipped' then 0
            when jsonb_typeof(p.output) = 'array' then jsonb_array_length(p.output)
          end
          from pgflow.step_states p
          where p.run_id = d.run_id and p.step_slug = d.step_slug
        ) end) as task_count,
        (array_agg(d.worker_id))[1] as worker_id,
        _release_dependents.start and not coalesce(d.run_id = any(_release_dependents.to_settle), false) as start
      from unnest(
        _release_dependents.flow_slugs, _release_dependents.run_ids, _release_dependents.step_slugs,
        _release_dependents.worker_ids
      ) d(flow_slug, run_id, step_slug, worker_id)
      cross join lateral (
        select e.step_slug, e.is_array
        from pgflow.deps e
        where e.flow_slug = d.flow_slug and e.dep_slug = d.step_slug
        offset 0
      ) dep
      group by d.run_id, dep.step_slug
      limit v_all
    ) x
    where c.run_id = x.run_id and c.step_slug = x.step_slug
    returning c.flow_slug, c.run_id, c.step_slug, c.status, c.remaining_deps, c.initial_tasks, x.worker_id,
      x.start
  ),
  ready as (
    select * from released l
    where l.remaining_deps = 0
      and (l.status = 'created' and l.initial_tasks is not null or l.status = 'started' and l.start)
    order by l.run_id, l.step_slug collate "C"
  )
  select
    array_agg(l.flow_slug) filter (where l.status = 'started'),
    array_agg(l.run_id) filter (where l.status = 'started'),
    array_agg(l.step_slug) filter (where l.status = 'started'),
    array_agg(l.worker_id) filter (where l.status = 'started'),
    array_agg(l.initial_tasks) filter (where l.status = 'started'),
    array_agg(l.run_id) filter (where l.status = 'created'),
    array_agg(l.step_slug) filter (where l.status = 'created')
  into started_flow_slugs, started_run_ids, started_step_slugs, started_worker_ids, started_task_counts,
    ready_run_ids, ready_step_slugs
  from ready l;
end;
$$;

-- ---- schema/40_runs/_resolve_conditions.sql
-- Evaluates the conditions of ready steps (pairs) and of those that become ready because others are skipped,
-- each once, until none is left. Returns the pairs that may go on: with tasks (start), without (taskless), and those
-- without a handler (wait).
create function pgflow._resolve_conditions(
  run_ids uuid[],
  step_slugs text[],
  out start_run_ids uuid[],
  out start_step_slugs text[],
  out taskless_run_ids uuid[],
  out taskless_step_slugs text[],
  out wait_run_ids uuid[],
  out wait_step_slugs text[]
)
language plpgsql
as $$
declare
  v_todo_run_ids uuid[] := run_ids;
  v_todo_step_slugs text[] := step_slugs;
  v_round record;
begin
  while v_todo_run_ids is not null loop
    select
      array_agg(j.run_id) filter (where j.verdict = 'fail') as fail_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'fail') as fail_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'skip') as skip_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'skip') as skip_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'skip-cascade') as doom_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'skip-cascade') as doom_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'start') as go_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'start') as go_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'taskless') as empty_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'taskless') as empty_step_slugs,
      array_agg(j.run_id) filter (where j.verdict = 'wait') as await_run_ids,
      array_agg(j.step_slug) filter (where j.verdict = 'wait') as await_step_slugs
    into v_round
    from pgflow._judge_steps(v_todo_run_ids, v_todo_step_slugs) j;

    start_run_ids := start_run_ids || v_round.go_run_ids;
    start_step_slugs := start_step_slugs || v_round.go_step_slugs;
    taskless_run_ids := taskless_run_ids || v_round.empty_run_ids;
    taskless_step_slugs := taskless_step_slugs || v_round.empty_step_slugs;
    wait_run_ids := wait_run_ids || v_round.await_run_ids;
    wait_step_slugs := wait_step_slugs || v_round.await_step_slugs;
    v_todo_run_ids := null;

    if v_round.fail_run_ids is not null then
      perform pgflow._fail_runs(
        v_round.fail_run_ids, v_round.fail_step_slugs,
        array_fill('Condition not met'::text, array[cardinality(v_round.fail_run_ids)])
      );
    end if;
    if v_round.skip_run_ids is not null then
      perform pgflow._skip_steps(
        v_round.skip_run_ids, v_round.skip_step_slugs,
        array_fill('condition_unmet'::text, array[cardinality(v_round.skip_run_ids)])
      );
    end if;
    if v_round.doom_run_ids is not null then
      perform pgflow._force_skip(
        v_round.doom_run_ids, v_round.doom_step_slugs,
        array_fill('condition_unmet'::text, array[cardinality(v_round.doom_run_ids)])
      );
    end if;
    if v_round.skip_run_ids is not null then
      select d.ready_run_ids, d.ready_step_slugs into v_todo_run_ids, v_todo_step_slugs
      from pgflow._release_dependents(
        pgflow._flows_of(v_round.skip_run_ids), v_round.skip_run_ids, v_round.skip_step_slugs, null, false, null
      ) d;
    end if;
  end loop;
end;
$$;

-- ---- schema/40_runs/_runs_to_settle.sql
-- Of runs whose steps (pairs, with their flows) have just ended: those in which a dependent has a condition to
-- judge, has no handler, or turns out to have no tasks.
create function pgflow._runs_to_settle(flow_slugs text[], run_ids uuid[], step_slugs text[])
returns uuid[]
language plpgsql
as $$
begin
  return array(
    select distinct d.run_id
    from unnest(_runs_to_settle.flow_slugs, _runs_to_settle.run_ids, _runs_to_settle.step_slugs)
      d(flow_slug, run_id, step_slug)
    cross join lateral (
      select e.step_slug, e.is_array
      from pgflow.deps e
      where e.flow_slug = d.flow_slug and e.dep_slug = d.step_slug
      offset 0
    ) dep
    cross join lateral (
      select st.step_type, st.kind, pgflow._has_condition(st) as has_condition
      from pgflow.steps st
      where st.flow_slug = d.flow_slug and st.step_slug = dep.step_slug
      limit 1
    ) child
    where child.has_condition
      or child.kind in ('signal', 'sleep')
      or child.step_type = 'map' and case
        when dep.is_array then (
          select p.status = 'skipped' or p.output = '[]'
          from pgflow.step_states p
          where p.run_id = d.run_id and p.step_slug = d.step_slug
        )
        else (
          select c.initial_tasks = 0
          from pgflow.step_states c
          where c.run_id = d.run_id and c.step_slug = dep.step_slug
        )
      end
  );
end;
$$;

-- ---- schema/40_runs/_send_events.sql
-- The only place that sends events: one per element, in the order given; payloads are read from the state
-- tables. event_type is 'run:*' (step_slugs is null) or 'step:*'. Without the schema realtime
-- it costs nothing.
create function pgflow._send_events(event_type text, run_ids uuid[], step_slugs text[] default null)
returns void
language plpgsql
as $$
begin
  if to_regnamespace('realtime') is null or run_ids is null then
    return;
  elsif not pgflow._can_send_events() then
    return;
  end if;

  if step_slugs is null then
    perform realtime.send(e.payload, _send_events.event_type, 'pgflow:run:' || e.run_id, false)
    from (
      select
        p.position,
        r.run_id,
        jsonb_build_object(
          'event_type', _send_events.event_type, 'run_id', r.run_id, 'flow_slug', r.flow_slug,
          'status', r.status
        ) || case _send_events.event_type
          when 'run:started' then jsonb_build_object(
            'input', r.input, 'remaining_steps', r.remaining_steps, 'started_at', r.started_at)
          when 'run:completed' then jsonb_build_object('output', r.output, 'completed_at', r.completed_at)
          when 'run:retried' then jsonb_build_object(
            'remaining_steps', r.remaining_steps, 'retried_at', now())
          when 'run:cancelled' then jsonb_build_object(
            'cancel_reason', r.cancel_reason, 'cancelled_at', r.cancelled_at)
          else jsonb_build_object('error_message', r.error_message, 'failed_at', r.failed_at)
        end as payload
      from unnest(_send_events.run_ids) with ordinality p(run_id, position)
      cross join lateral (select * from pgflow.runs l where l.run_id = p.run_id limit 1) r
    ) e
    order by e.position;
    return;
  end if;

  perform realtime.send(
    e.payload, 'step:' || e.step_slug || ':' || split_part(_send_events.event_type, ':', 2),
    'pgflow:run:' || e.run_id, false)
  from (
    select
      p.position,
      s.run_id,
      s.step_slug,
      jsonb_build_object(
        'event_type', _send_events.event_type, 'run_id', s.run_id, 'flow_slug', s.flow_slug,
        'step_slug', s.step_slug, 'status', s.status
      ) || case _send_events.event_type
        when 'step:started' then jsonb_build_object(
          'started_at', s.started_at, 'remaining_tasks', s.remaining_tasks, 'remaining_deps', s.remaining_deps)
        when 'step:completed' then
          jsonb_build_object('output', s.output, 'completed_at', s.completed_at)
          || case when s.initial_tasks = 0
            then jsonb_build_object('started_at', s.started_at, 'remaining_tasks', 0, 'remaining_deps', 0)
            else '{}' end
        when 'step:failed' then
          jsonb_build_object('error_message', s.error_message, 'failed_at', s.failed_at)
        else
          jsonb_build_object('skip_reason', s.skip_reason, 'skipped_at', s.skipped_at)
          || case when s.error_message is not null
            then jsonb_build_object('error_message', s.error_message) else '{}' end
      end as payload
    from unnest(_send_events.run_ids, _send_events.step_slugs) with ordinality p(run_id, step_slug, position)
    cross join lateral (
      select * from pgflow.step_states l where l.run_id = p.run_id and l.step_slug = p.step_slug limit 1
    ) s
  ) e
  order by e.position;
end;
$$;

-- ---- schema/40_runs/_settle.sql
-- Alternates conditions, taskless completion and the begin of steps without a handler over ready steps (pairs) until
-- nothing changes; returns the pairs that are to be started. Runs may have failed on the way: their pairs are left
-- out by _start_steps. A step without a handler ends at most once, so only empty maps need a limit.
create function pgflow._settle(
  run_ids uuid[], step_slugs text[], out start_run_ids uuid[], out start_step_slugs text[]
)
language plpgsql
as $$
declare
  v_round record;
  v_taskless record;
  v_waits record;
  v_run_ids uuid[] := run_ids;
  v_step_slugs text[] := step_slugs;
  v_round_count int := 0;
begin
  while v_run_ids is not null loop
    select * into v_round from pgflow._resolve_conditions(v_run_ids, v_step_slugs);
    start_run_ids := start_run_ids || v_round.start_run_ids;
    start_step_slugs := start_step_slugs || v_round.start_step_slugs;
    v_run_ids := null;
    v_step_slugs := null;

    if v_round.taskless_run_ids is not null then
      v_round_count := v_round_count + 1;
      perform pgflow._check_cascade(v_round_count);
      -- a run may have failed in a later round of conditions than the one that let its taskless step pass
      select t.ready_run_ids, t.ready_step_slugs into v_taskless
      from (
        select array_agg(p.run_id order by p.position) as run_ids,
          array_agg(p.step_slug order by p.position) as step_slugs
        from unnest(v_round.taskless_run_ids, v_round.taskless_step_slugs)
          with ordinality p(run_id, step_slug, position)
        join pgflow.runs r on r.run_id = p.run_id
        where r.status = 'started'
      ) e
      cross join lateral pgflow._complete_taskless(e.run_ids, e.step_slugs) t;
      v_run_ids := v_taskless.ready_run_ids;
      v_step_slugs := v_taskless.ready_step_slugs;
    end if;
    if v_round.wait_run_ids is not null then
      select * into v_waits from pgflow._begin_waits(v_round.wait_run_ids, v_round.wait_step_slugs);
      v_run_ids := v_run_ids || v_waits.ready_run_ids;
      v_step_slugs := v_step_slugs || v_waits.ready_step_slugs;
    end if;
  end loop;
end;
$$;

-- ---- schema/40_runs/_skip_steps.sql
-- Skips steps (pairs) of started runs: state, remaining_steps, messages of open tasks, events in the order
-- given. Dependents are the caller's business. Returns the number skipped.
create function pgflow._skip_steps(
  run_ids uuid[], step_slugs text[], reasons text[], error_messages text[] default null
)
returns int
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_step_slugs text[];
  v_had_tasks boolean;
  v_all bigint;  -- see 00_model/model.sql
begin
  with skipped as (
    update pgflow.step_states s
    set status = 'skipped',
        skip_reason = p.reason,
        skipped_at = greatest(now(), s.created_at),
        error_message = coalesce(p.error_message, s.error_message),
        remaining_tasks = null
    from (
      select *
      from unnest(
        _skip_steps.run_ids, _skip_steps.step_slugs, _skip_steps.reasons, _skip_steps.error_messages
      ) with ordinality g(run_id, step_slug, reason, error_message, position)
      limit v_all
    ) p
    where s.run_id = p.run_id and s.step_slug = p.step_slug and s.status in ('created', 'started')
    returning s.run_id, s.step_slug, s.started_at, p.position
  )
  select
    array_agg(k.run_id order by k.position),
    array_agg(k.step_slug order by k.position),
    bool_or(k.started_at is not null)
  into v_run_ids, v_step_slugs, v_had_tasks
  from skipped k;

  if v_run_ids is null then
    return 0;
  end if;

  update pgflow.runs r
  set remaining_steps = r.remaining_steps - c.step_count
  from (
    select k.run_id, count(*)::int as step_count
    from unnest(v_run_ids) k(run_id)
    group by k.run_id
    limit v_all
  ) c
  where r.run_id = c.run_id;

  perform pgflow._send_events('step:skipped', v_run_ids, v_step_slugs);
  if v_had_tasks then
    perform pgflow._archive_open_tasks(v_run_ids, v_step_slugs);
    perform pgflow._note_under_way(v_run_ids, v_step_slugs);
  end if;
  return cardinality(v_run_ids);
end;
$$;

-- ---- schema/40_runs/_start_flows.sql
-- Starts runs of one flow: element i is an input (null, as PostgREST hands JSON null on: JSON null), a run id (null: a
-- new one) and a trace context. A run id
-- that exists is that run if flow and input are the same, else PF002. Returns the ids in the order of inputs. With a
-- time for begins_at they are only written down: see _fire_begins. has_origin: origins says where they come from.
create function pgflow._start_flows(
  flow_slug text, inputs jsonb[], run_ids uuid[], trace_contexts jsonb[], begins_at timestamptz default null,
  has_origin boolean default null
)
returns uuid[]
language plpgsql
as $$
declare
  v_slugs text[];        -- of the flow's steps, as the next two
  v_deps_counts int[];
  v_array_slugs text[];  -- null: it has no maps
  v_root_slugs text[];
  v_has_root_maps boolean;
  v_has_conditions boolean;
  v_run_timeout int;
  v_has_kinds boolean;
  v_companion_of text;
  v_run_ids uuid[] := run_ids;
  v_created_count int;
  v_created uuid[];
  v_inputs jsonb[] := inputs;  -- of v_created
  v_direct boolean;
  v_root_run_ids uuid[];
  v_root_step_slugs text[];
  v_task_counts int[];
begin
  -- One look at the definition, so that counters and states agree whatever is added meanwhile; the lock keeps the flow
  -- from being deleted before its runs are there to be seen.
  select p.step_slugs, p.deps_counts, p.array_slugs, p.root_slugs, p.has_root_maps, p.has_conditions, p.run_timeout,
    p.has_kinds, p.companion_of
  into v_slugs, v_deps_counts, v_array_slugs, v_root_slugs, v_has_root_maps, v_has_conditions, v_run_timeout,
    v_has_kinds, v_companion_of
  from pgflow.prepared_flows p
  where p.flow_slug = _start_flows.flow_slug
  for key share;
  if not found then
    perform pgflow._check_flows(array[_start_flows.flow_slug]);
  end if;

  if v_companion_of is not null and _start_flows.has_origin is null then
    raise exception 'Flow "%" is started by the core, when a run of "%" has ended', _start_flows.flow_slug, v_companion_of
      using errcode = 'PF011', hint = format('Start a run of "%s".', v_companion_of);
  end if;

  -- inputs and ids
  if v_has_root_maps then
    perform pgflow._check_array_input(_start_flows.flow_slug, i.input)
    from unnest(_start_flows.inputs) i(input);
  end if;

  if v_run_ids is null or array_position(v_run_ids, null) is not null then
    v_run_ids := array(
      select coalesce(_start_flows.run_ids[i.position], pgflow._new_run_id())
      from generate_series(1, cardinality(_start_flows.inputs)) i(position)
      order by i.position
    );
  end if;

  if pg_column_size(_start_flows.inputs) > 65536
    and exists (select 1 from unnest(_start_flows.inputs) i(input) where pg_column_size(i.input) > 65536)
  then
    perform pgflow._note_large_values(array[_start_flows.flow_slug]);
  end if;
  -- runs, of which some may be there
  insert into pgflow.runs (run_id, flow_slug, input, remaining_steps, trace_context, begins_at, has_origin)
  select i.run_id, _start_flows.flow_slug, coalesce(i.input, 'null'), cardinality(v_slugs), i.trace_context,
    _start_flows.begins_at, _start_flows.has_origin
  from unnest(v_run_ids, _start_flows.inputs, _start_flows.trace_contexts) i(run_id, input, trace_context)
  order by i.run_id
  on conflict on constraint runs_pkey do nothing;
  get diagnostics v_created_count = row_count;

  v_created := v_run_ids;
  if v_created_count < cardinality(v_run_ids) then
    perform pgflow._check_same_runs(_start_flows.flow_slug, v_run_ids, _start_flows.inputs);
    -- the runs that were there have states, or are over if their flow has no steps
    select array_agg(n.run_id order by n.position), array_agg(n.input order by n.position)
    into v_created, v_inputs
    from (
      select i.run_id, min(i.position) as position, (array_agg(i.input))[1] as input
      from unnest(v_run_ids, _start_flows.inputs) with ordinality i(run_id, input, position)
      group by i.run_id
      offset 0
    ) n
    where not exists (select 1 from pgflow.step_states s where s.run_id = n.run_id)
      and (select r.status from pgflow.runs r where r.run_id = n.run_id) = 'started';
    if v_created is null then
      return v_run_ids;
    end if;
  end if;

  -- Without conditions and empty root maps the roots are born started.
  v_direct := not v_has_conditions and _start_flows.begins_at is null and not (
    v_has_root_maps
    and exists (select 1 from unnest(v_inputs) i(input) where jsonb_array_length(i.input) = 0)
  );

  insert into pgflow.step_states (
    flow_slug, run_id, step_slug, remaining_deps, initial_tasks, status, started_at, remaining_tasks
  )
  select
    _start_flows.flow_slug, i.run_id, st.slug, st.deps_count, c.initial_tasks,
    case when v_direct and st.deps_count = 0 then 'started' else 'created' end,
    case when v_direct and st.deps_count = 0 then now() end,
    case when v_direct and st.deps_count = 0 then c.initial_tasks end
  from unnest(v_created, case when v_has_root_maps then v_inputs end) i(run_id, input)
  cross join unnest(v_slugs, v_deps_counts, v_array_slugs) st(slug, deps_count, array_slug)
  cross join lateral (
    select case
      when st.array_slug is null then 1
      when st.array_slug = '' then jsonb_array_length(i.input)
    end as initial_tasks
  ) c;

  if v_has_kinds then
    perform pgflow._note_signal_keys(v_created);
  end if;
  if _start_flows.begins_at is not null then
    perform pgflow._await_begins(v_created);
    perform pgflow._notify(null, v_created);
    return v_run_ids;
  end if;
  if to_regnamespace('realtime') is not null then
    perform pgflow._send_events('run:started', v_created);
  end if;
  if v_run_timeout is not null then
    perform pgflow._set_run_timeouts(v_created);
  end if;

  -- the roots' tasks; messages go out in the order of the inputs
  if cardinality(v_root_slugs) = 1 and not v_has_root_maps then
    v_root_run_ids := v_created;
    v_root_step_slugs := array_fill(v_root_slugs[1], array[cardinality(v_created)]);
    v_task_counts := array_fill(1, array[cardinality(v_created)]);
  else
    select
      array_agg(i.run_id order by i.position, r.position),
      array_agg(r.slug order by i.position, r.position),
      array_agg(
        case when v_array_slugs[array_position(v_slugs, r.slug)] = '' then jsonb_array_length(i.input) else 1 end
        order by i.position, r.position
      )
    into v_root_run_ids, v_root_step_slugs, v_task_counts
    from unnest(v_created, case when v_has_root_maps then v_inputs end)
      with ordinality i(run_id, input, position)
    cross join unnest(v_root_slugs) with ordinality r(slug, position);
  end if;
  if not v_direct then
    select s.started_run_ids, s.started_step_slugs, s.started_task_counts
    into v_root_run_ids, v_root_step_slugs, v_task_counts
    from pgflow._settle(v_root_run_ids, v_root_step_slugs) p
    cross join lateral pgflow._start_steps(p.start_run_ids, p.start_step_slugs) s;
  end if;

  if v_root_run_ids is not null then
    if to_regnamespace('realtime') is not null then
      perform pgflow._send_events('step:started', v_root_run_ids, v_root_step_slugs);
    end if;
    perform pgflow._spawn_tasks(
      array_fill(_start_flows.flow_slug, array[cardinality(v_root_run_ids)]),
      v_root_run_ids, v_root_step_slugs, null, v_task_counts, 0
    );
  end if;
  if not v_direct or cardinality(v_slugs) = 0 then
    perform pgflow._finish_runs(v_created, false, true);
  end if;
  if exists (select 1 from pgflow.announcements) then
    perform pgflow._notify(null, v_created);
  end if;
  return v_run_ids;
end;
$$;

-- ---- schema/40_runs/_start_steps.sql
-- Starts ready steps (pairs) that have tasks, in runs that are started; returns those it started. Their
-- tasks do not exist yet: _spawn_tasks makes them.
create function pgflow._start_steps(
  run_ids uuid[],
  step_slugs text[],
  out started_flow_slugs text[],
  out started_run_ids uuid[],
  out started_step_slugs text[],
  out started_task_counts int[]
)
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  with started as (
    update pgflow.step_states s
    set status = 'started',
        started_at = greatest(now(), s.created_at),
        remaining_tasks = s.initial_tasks
    from (
      select g.run_id, g.step_slug
      from unnest(_start_steps.run_ids, _start_steps.step_slugs) g(run_id, step_slug)
      cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
      where r.status = 'started'
      limit v_all
    ) p
    where s.run_id = p.run_id
      and s.step_slug = p.step_slug
      and s.status = 'created'
      and s.remaining_deps = 0
      and s.initial_tasks > 0
    returning s.flow_slug, s.run_id, s.step_slug, s.initial_tasks
  ),
  sorted as (select * from started s order by s.run_id, s.step_slug collate "C")
  select array_agg(s.flow_slug), array_agg(s.run_id), array_agg(s.step_slug), array_agg(s.initial_tasks)
  into started_flow_slugs, started_run_ids, started_step_slugs, started_task_counts
  from sorted s;
end;
$$;

-- ---- schema/40_runs/start_flow.sql
-- for: client, pgflow
-- Starts a run and returns it. With a run_id that is there already, of the same flow and input, returns that run;
-- else raises PF002. Raises PF001 for an unknown flow.
create function pgflow.start_flow(flow_slug text, input jsonb, run_id uuid default null)
returns setof pgflow.runs
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run_ids uuid[];
begin
  v_run_ids := pgflow._start_flows(
    start_flow.flow_slug, array[start_flow.input], array[start_flow.run_id], null
  );
  return query select r.* from pgflow.runs r where r.run_id = v_run_ids[1];
end;
$$;

-- ---- schema/40_runs/start_flow_with_states.sql
-- for: client, pgflow
-- start_flow, then get_run_with_states of what was started.
create function pgflow.start_flow_with_states(flow_slug text, input jsonb, run_id uuid default null)
returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run_id uuid;
begin
  select r.run_id into v_run_id
  from pgflow.start_flow(
    start_flow_with_states.flow_slug, start_flow_with_states.input, start_flow_with_states.run_id
  ) r;
  return pgflow.get_run_with_states(v_run_id);
end;
$$;

-- ---- schema/40_runs/start_flows.sql
-- for: client
-- Starts a run per input, all or nothing; returns them in the order of the inputs. options: {"begins_at": a time as RFC
-- 3339 has it}: until then they wait, and nothing of them is judged or begun; one that has come already is now.
create function pgflow.start_flows(
  flow_slug text,
  inputs jsonb[],
  run_ids uuid[] default null,
  trace_contexts jsonb[] default null,
  options jsonb default '{}'
)
returns setof pgflow.runs
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_begins_at timestamptz;
  v_run_ids uuid[];
begin
  if coalesce(cardinality(start_flows.run_ids), cardinality(start_flows.inputs))
      <> cardinality(start_flows.inputs)
    or coalesce(cardinality(start_flows.trace_contexts), cardinality(start_flows.inputs))
      <> cardinality(start_flows.inputs)
  then
    raise exception 'inputs has % elements, run_ids %, trace_contexts %',
      cardinality(start_flows.inputs),
      coalesce(cardinality(start_flows.run_ids)::text, 'none'),
      coalesce(cardinality(start_flows.trace_contexts)::text, 'none')
      using errcode = 'PF005', hint = 'Pass arrays of equal length, one element per run.';
  end if;
  if start_flows.options <> '{}' then
    v_begins_at := pgflow._begins_at(start_flows.options);
  end if;
  v_run_ids := pgflow._start_flows(
    start_flows.flow_slug, coalesce(start_flows.inputs, '{}'), start_flows.run_ids, start_flows.trace_contexts,
    v_begins_at
  );
  if cardinality(v_run_ids) = 1 then
    return query select r.* from pgflow.runs r where r.run_id = v_run_ids[1];
    return;
  end if;
  return query
  select r.*
  from unnest(v_run_ids) with ordinality i(run_id, position)
  cross join lateral (select l.* from pgflow.runs l where l.run_id = i.run_id limit 1) r
  order by i.position;
end;
$$;

-- ---- schema/50_tasks/_again.sql
-- again_tasks, for workers whose sign of life is written.
create function pgflow._again(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  states jsonb[],
  delays_ms bigint[],
  hand_over int,
  flow_input_steps text[]
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_is_held boolean;  -- whether one of the runs is
  v_part record;
  v_all bigint;  -- see 00_model/model.sql
begin
  -- A statement of its own: what follows must see what the others have committed meanwhile.
  select bool_or(l.held_at is not null) into v_is_held
  from (
    select r.held_at
    from pgflow.runs r
    where r.run_id = any(_again.run_ids)
    order by r.run_id
    for no key update
  ) l;

  select
    array_agg(j.position) filter (where j.verdict in ('now', 'soon', 'later')) as next_positions,
    array_agg(j.run_id) filter (where j.verdict in ('now', 'soon', 'later')) as next_run_ids,
    array_agg(j.step_slug) filter (where j.verdict in ('now', 'soon', 'later')) as next_step_slugs,
    array_agg(j.task_index) filter (where j.verdict in ('now', 'soon', 'later')) as next_task_indexes,
    array_agg(j.verdict) filter (where j.verdict in ('now', 'soon', 'later')) as next_verdicts,
    array_agg(j.flow_slug) filter (where j.verdict = 'now') as now_flow_slugs,
    array_agg(j.run_id) filter (where j.verdict = 'now') as now_run_ids,
    array_agg(j.step_slug) filter (where j.verdict = 'now') as now_step_slugs,
    array_agg(j.task_index) filter (where j.verdict = 'now') as now_task_indexes,
    array_agg(j.message_id) filter (where j.verdict = 'now') as now_msg_ids,
    array_agg(j.vt_offset) filter (where j.verdict = 'now') as now_vt_offsets,
    array_agg(j.flow_slug) filter (where j.verdict = 'soon') as soon_flow_slugs,
    array_agg(j.message_id) filter (where j.verdict = 'soon') as soon_msg_ids,
    array_agg(j.delay) filter (where j.verdict = 'soon') as soon_delays,
    array_agg(j.flow_slug) filter (where j.verdict = 'soon' and j.delay = 0) as visible_flow_slugs,
    array_agg(j.flow_slug) filter (where j.verdict = 'later') as later_flow_slugs,
    array_agg(j.run_id) filter (where j.verdict = 'later') as later_run_ids,
    array_agg(j.step_slug) filter (where j.verdict = 'later') as later_step_slugs,
    array_agg(j.task_index) filter (where j.verdict = 'later') as later_task_indexes,
    array_agg(j.message_id) filter (where j.verdict = 'later') as later_msg_ids,
    array_agg(clock_timestamp() + make_interval(secs => j.delay)) filter (where j.verdict = 'later') as later_due_at,
    array_agg(jsonb_build_object('attempt', j.attempt)) filter (where j.verdict = 'later') as later_payloads,
    array_agg(j.position) filter (where j.verdict = 'exhausted') as over_positions,
    array_agg(format('LoopExhausted: the loop has not ended within its %s rounds', j.max_rounds))
      filter (where j.verdict = 'exhausted') as over_messages,
    array_agg(j.position) filter (where j.verdict = 'stale') as stale_positions
  into v_part
  from pgflow._judge_rounds(
    _again.worker_ids, _again.run_ids, _again.step_slugs, _again.task_indexes, _again.attempts, _again.delays_ms,
    _again.hand_over
  ) j;

  -- the next round counts its attempts afresh, and goes on numbering them
  update pgflow.step_tasks t
  set status = case n.verdict when 'now' then 'started' else 'queued' end,
      started_at = case n.verdict when 'now' then greatest(now(), t.queued_at) end,
      attempts_count = t.attempts_count + case n.verdict when 'now' then 1 else 0 end,
      forgiven_count = t.attempts_count,
      requeued_count = 0,
      killed_workers = null,
      error_message = null,
      again_count = coalesce(t.again_count, 0) + 1,
      round = coalesce(t.round, 1) + 1,
      state = _again.states[n.position],
      message_id = case when n.verdict <> 'later' then t.message_id end,
      waits_for = case n.verdict when 'later' then 'round' end
  from (
    select *
    from unnest(
      v_part.next_positions, v_part.next_run_ids, v_part.next_step_slugs, v_part.next_task_indexes, v_part.next_verdicts
    ) g(position, run_id, step_slug, task_index, verdict)
    limit v_all
  ) n
  where t.run_id = n.run_id and t.step_slug = n.step_slug and t.task_index = n.task_index;

  if v_part.later_msg_ids is not null then
    perform pgflow._archive(v_part.later_flow_slugs, v_part.later_msg_ids);
    perform pgflow._set_timers(
      'wait', v_part.later_due_at, v_part.later_flow_slugs, v_part.later_run_ids, v_part.later_step_slugs,
      v_part.later_task_indexes, v_part.later_payloads
    );
  end if;
  if v_part.soon_msg_ids is not null then
    perform pgflow._send_back(v_part.soon_flow_slugs, v_part.soon_msg_ids, v_part.soon_delays);
  end if;
  if v_part.stale_positions is not null then
    perform pgflow._note_late(
      _again.worker_ids, _again.run_ids, _again.step_slugs, _again.task_indexes, _again.attempts, null, false, true
    );
    perform pgflow._archive_late(v_part.stale_positions, _again.run_ids, _again.step_slugs, _again.task_indexes);
    return query select v.* from pgflow._outcomes(
      'stale', v_part.stale_positions, _again.worker_ids, _again.run_ids, _again.step_slugs, _again.task_indexes,
      _again.attempts
    ) v;
  end if;
  if v_part.over_positions is not null then
    return query select f.* from pgflow._fail(
      array(select _again.worker_ids[o] from unnest(v_part.over_positions) o),
      array(select _again.run_ids[o] from unnest(v_part.over_positions) o),
      array(select _again.step_slugs[o] from unnest(v_part.over_positions) o),
      array(select _again.task_indexes[o] from unnest(v_part.over_positions) o),
      array(select _again.attempts[o] from unnest(v_part.over_positions) o),
      v_part.over_messages, array_fill(false, array[cardinality(v_part.over_positions)]), null, true
    ) f;
  end if;
  if v_part.now_msg_ids is not null then
    perform pgflow._hide(v_part.now_flow_slugs, v_part.now_msg_ids, v_part.now_vt_offsets);
    -- nothing notes whether the state of a round is large
    return query select d.* from pgflow._hand_out(
      v_part.now_flow_slugs, v_part.now_run_ids, v_part.now_step_slugs, v_part.now_task_indexes,
      _again.flow_input_steps, true, null
    ) d;
  end if;
  if v_is_held then
    perform pgflow._keep_held(_again.run_ids);
  end if;
  perform pgflow._notify(v_part.visible_flow_slugs, null);
end;
$$;

-- ---- schema/50_tasks/_archive.sql
-- Archives message i of queue i; ids no longer in their queue are left out. One statement per flow.
create function pgflow._archive(flow_slugs text[], msg_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
  v_msg_ids bigint[] := msg_ids;
begin
  foreach v_flow_slug in array pgflow._distinct(_archive.flow_slugs) loop
    if v_flow_slug <> any(_archive.flow_slugs) then
      v_msg_ids := array(
        select m.msg_id
        from unnest(_archive.flow_slugs, _archive.msg_ids) m(flow_slug, msg_id)
        where m.flow_slug = v_flow_slug
      );
    end if;
    execute format('select pgflow.%I($1)', '_archive:' || v_flow_slug) using v_msg_ids;
  end loop;
end;
$$;

-- ---- schema/50_tasks/_archive_late.sql
-- A callback that comes after its step has ended (repeated, or the step was skipped meanwhile) changes nothing,
-- but its message must not be delivered again. A failed or cancelled run has archived its messages already.
create function pgflow._archive_late(
  positions bigint[], run_ids uuid[], step_slugs text[], task_indexes int[]
)
returns void
language plpgsql
as $$
declare
  v_late record;
begin
  select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids
  into v_late
  from unnest(_archive_late.positions) p(position)
  cross join lateral (
    select
      _archive_late.run_ids[p.position] as run_id,
      _archive_late.step_slugs[p.position] as step_slug,
      _archive_late.task_indexes[p.position] as task_index
  ) g
  cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = g.run_id and l.step_slug = g.step_slug limit 1
  ) s
  cross join lateral (
    select l.flow_slug, l.message_id
    from pgflow.step_tasks l
    where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
    limit 1
  ) t
  where r.status not in ('failed', 'cancelled') and s.status <> 'started';

  perform pgflow._archive(v_late.flow_slugs, v_late.msg_ids);
end;
$$;

-- ---- schema/50_tasks/_archive_open_tasks.sql
-- Archives the messages of all queued and started tasks and removes their timers: of whole runs (step_slugs is null)
-- or of the given steps (pairs); tells the workers that are at them, and has the children cancelled that they wait for. The
-- rows of the tasks keep their status.
create function pgflow._archive_open_tasks(run_ids uuid[], step_slugs text[] default null)
returns void
language plpgsql
as $$
declare
  v_open record;
begin
  if step_slugs is null then
    select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids,
      array_agg(distinct t.flow_slug) filter (where t.status = 'started') as busy_flow_slugs,
      array_agg(distinct t.run_id) filter (where t.waits_for = 'child') as parent_ids
    into v_open
    from pgflow.step_tasks t
    where t.run_id = any(_archive_open_tasks.run_ids) and t.status in ('queued', 'started');
  else
    select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids,
      array_agg(distinct t.flow_slug) filter (where t.status = 'started') as busy_flow_slugs,
      array_agg(distinct t.run_id) filter (where t.waits_for = 'child') as parent_ids
    into v_open
    from unnest(_archive_open_tasks.run_ids, _archive_open_tasks.step_slugs) p(run_id, step_slug)
    cross join lateral (
      select * from pgflow.step_tasks l where l.run_id = p.run_id and l.step_slug = p.step_slug offset 0
    ) t
    where t.status in ('queued', 'started');
  end if;
  perform pgflow._archive(v_open.flow_slugs, v_open.msg_ids);
  perform pgflow._drop_timers(_archive_open_tasks.run_ids, _archive_open_tasks.step_slugs);
  if v_open.parent_ids is not null then
    perform pgflow._set_children_timers('cancel_children', v_open.parent_ids);
  end if;
  perform pgflow._notify_control(v_open.busy_flow_slugs);
end;
$$;

-- ---- schema/50_tasks/_are_light.sql
-- Whether the inputs of these started tasks (keys with their flows) may be put together at once though their flows have
-- carried large values: what is stored of all of them takes at most 256 kB, so that no compression makes more than 64 MB
-- of it. Looks at stored sizes alone: nothing is read that lies elsewhere. See _task_results for what an input holds.
create function pgflow._are_light(
  flow_slugs text[], run_ids uuid[], step_slugs text[], task_indexes int[], flow_input_steps text[]
)
returns boolean
language plpgsql
as $$
declare
  v_flow_slug text;
  v_slugs text[];      -- of the flow's steps, as all that follow
  v_deps_counts int[];
  v_maps boolean[];
  v_array_slugs text[];
  v_bytes bigint;
  v_left bigint := 262144;
begin
  foreach v_flow_slug in array pgflow._distinct(_are_light.flow_slugs) loop
    select p.step_slugs, p.deps_counts, p.maps, p.array_slugs
    into v_slugs, v_deps_counts, v_maps, v_array_slugs
    from pgflow.prepared_flows p
    where p.flow_slug = v_flow_slug;

    select sum(
      t.bytes
      + case
        when v_maps[s.place] then coalesce(
          t.element_bytes,
          (
            select pg_column_size(ds.output)
            from pgflow.step_states ds
            where ds.run_id = k.run_id and ds.step_slug = v_array_slugs[s.place]
          ),
          0
        )
        when v_deps_counts[s.place] = 0 then 0
        else (
          select coalesce(sum(ds.bytes), 0)
          from pgflow.deps d
          cross join lateral (
            select pg_column_size(l.output) as bytes
            from pgflow.step_states l
            where l.run_id = k.run_id and l.step_slug = d.dep_slug
            limit 1
          ) ds
          where d.flow_slug = k.flow_slug and d.step_slug = k.step_slug
        )
      end
      + case
        when v_deps_counts[s.place] = 0 and (not v_maps[s.place] or t.element_bytes is null)
          or v_flow_slug || '.' || k.step_slug = any(_are_light.flow_input_steps)
        then (select pg_column_size(r.input) from pgflow.runs r where r.run_id = k.run_id)
        else 0
      end
    )
    into v_bytes
    from unnest(
      _are_light.flow_slugs, _are_light.run_ids, _are_light.step_slugs, _are_light.task_indexes
    ) k(flow_slug, run_id, step_slug, task_index)
    cross join lateral (
      select coalesce(pg_column_size(l.state), 0) as bytes, pg_column_size(l.element) as element_bytes
      from pgflow.step_tasks l
      where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
      limit 1
    ) t
    cross join lateral (select array_position(v_slugs, k.step_slug) as place) s
    where k.flow_slug = v_flow_slug;

    v_left := v_left - v_bytes;
    if v_left < 0 then
      return false;
    end if;
  end loop;
  return true;
end;
$$;

-- ---- schema/50_tasks/_claim_from_queue.sql
-- Reads and starts up to max_count tasks of one flow. message_count says how many messages were read:
-- fewer than asked for means the queue has no more.
create function pgflow._claim_from_queue(
  worker_id uuid,
  flow_slug text,
  max_count int,
  after_msg_id bigint,
  visibility_timeout int,
  out message_count int,
  out last_msg_id bigint,
  out run_ids uuid[],
  out step_slugs text[],
  out task_indexes int[],
  out has_large_values boolean
)
language plpgsql
as $$
declare
  v_serves boolean;
  v_vt_offset int;
  v_read record;
  v_started record;
  v_rest record;
begin
  -- most steps have their flow's timeout: their messages are hidden for as long as needed by being read
  select
    not p.is_paused and w.stopped_at is null and w.deprecated_at is null
      and w.last_heartbeat_at > clock_timestamp() - interval '5 seconds',
    p.flow_timeout + 2
  into v_serves, v_vt_offset
  from pgflow.workers w
  cross join pgflow.prepared_flows p
  where w.worker_id = _claim_from_queue.worker_id and p.flow_slug = _claim_from_queue.flow_slug;
  if not found then
    perform pgflow._check_workers(array[_claim_from_queue.worker_id]);
    perform pgflow._check_flows(array[_claim_from_queue.flow_slug]);
  end if;
  message_count := 0;
  if not v_serves then  -- or the flow is paused, or a sign of life is due
    if exists (
      select 1
      from pgflow.workers w
      where w.worker_id = _claim_from_queue.worker_id
        and (w.stopped_at is not null or w.deprecated_at is not null)
    ) then
      return;
    end if;
    if not pgflow._note_life(array[_claim_from_queue.worker_id]) then
      perform pgflow._check_workers(array[_claim_from_queue.worker_id]);
    end if;
    if (select p.is_paused from pgflow.prepared_flows p where p.flow_slug = _claim_from_queue.flow_slug) then
      return;
    end if;
  end if;
  execute format('select * from pgflow.%I($1, $2, $3)', '_read:' || _claim_from_queue.flow_slug)
  into v_read using max_count, after_msg_id, v_vt_offset;
  if v_read.msg_ids is null then
    return;
  end if;
  message_count := cardinality(v_read.msg_ids);
  last_msg_id := v_read.msg_ids[message_count];

  v_started := pgflow._start_tasks(
    _claim_from_queue.worker_id, _claim_from_queue.flow_slug,
    v_read.msg_ids, v_read.run_ids, v_read.step_slugs, v_read.task_indexes
  );
  if v_vt_offset <> any(v_started.vt_offsets) then
    perform 1 from pgflow.set_vt_batch(
      _claim_from_queue.flow_slug, v_started.started_msg_ids, v_started.vt_offsets
    );
  end if;

  if coalesce(cardinality(v_started.started_msg_ids), 0) < message_count then
    select
      array_agg(g.msg_id) as msg_ids, array_agg(g.run_id) as run_ids,
      array_agg(g.step_slug) as step_slugs, array_agg(g.task_index) as task_indexes
    into v_rest
    from unnest(v_read.msg_ids, v_read.run_ids, v_read.step_slugs, v_read.task_indexes)
      g(msg_id, run_id, step_slug, task_index)
    where not g.msg_id = any(coalesce(v_started.started_msg_ids, '{}'));
    perform pgflow._settle_unstarted(
      _claim_from_queue.flow_slug, v_rest.msg_ids, v_rest.run_ids, v_rest.step_slugs, v_rest.task_indexes,
      visibility_timeout
    );
  end if;

  run_ids := v_started.started_run_ids;
  step_slugs := v_started.started_step_slugs;
  task_indexes := v_started.started_task_indexes;
  has_large_values := v_started.has_large_values;
end;
$$;

-- ---- schema/50_tasks/_complete.sql
-- Completes tasks of many runs. fenced: element i counts only if its task is started by worker i in attempt i.
-- Tasks of subflow steps start a child with what they give, and wait for it; is_output: what is given is their output.
-- Returns what did not complete ('stale', 'failed', ...), if asked for tasks handed over ('claimed'), and one row 'due' where
-- a parent has to be told of the end of a child.
create function pgflow._complete(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  hand_over int,
  flow_input_steps text[],
  fenced boolean,
  is_output boolean default false
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_flow_slugs text[];
  v_flow_slug text;
  v_live boolean;  -- whether all runs are still started, or else
  v_live_ids uuid[];  -- which are
  v_is_held boolean;  -- whether one of the runs is
  v_is_silent boolean;  -- whether a sign of life of one of the workers is due
  v_hand_over int := _complete.hand_over;
  v_has_maps boolean := false;
  v_has_conditions boolean := false;  -- or maps
  v_has_timeouts boolean := false;  -- of whole runs, or else what waits for something outside
  v_has_subflows boolean := false;
  v_has_ends boolean := false;  -- whether something may follow the end of one of the runs
  v_has_origins boolean;  -- whether one of the runs has
  v_begun record;
  v_refused_keys text[];  -- of tasks that may not start a child
  v_has_large_values boolean := false;
  v_large_flow_slugs text[];  -- those of which that turns out now
  v_map_steps text[];  -- '<flow_slug>.<step_slug>'
  v_accepted record;
  v_outgrown bigint[];  -- which of the steps that are done are maps whose outputs are too large together
  v_sizes bigint[];     -- of these, in bytes, as the next two
  v_outgrown_run_ids uuid[];
  v_outgrown_step_slugs text[];
  v_handed record;
  v_violations bigint[];
  v_settled bigint[];  -- positions of which no more is to be said
  v_refused bigint[];
  v_all bigint;  -- see 00_model/model.sql
begin
  -- A statement of its own: what follows must see what the others have committed meanwhile.
  select array_agg(distinct r.flow_slug), bool_and(r.status = 'started'), bool_or(r.held_at is not null), bool_or(r.has_origin), exists (
    select 1
    from pgflow.workers w
    where w.worker_id = any(_complete.worker_ids)
      and w.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
  )
  into v_flow_slugs, v_live, v_is_held, v_has_origins, v_is_silent
  from (
    select l.flow_slug, l.status, l.held_at, l.has_origin
    from pgflow.runs l
    where l.run_id = any(_complete.run_ids)
    order by l.run_id
    for no key update
  ) r;
  if v_is_silent then
    if not pgflow._note_life(_complete.worker_ids) then
      v_hand_over := 0;  -- its next claim tells it to register again
    end if;
  end if;

  if v_is_held then
    v_hand_over := 0;
  end if;

  -- what has to be minded in these flows
  foreach v_flow_slug in array coalesce(v_flow_slugs, '{}') loop
    select v_has_maps or p.has_maps, v_has_conditions or p.has_maps or p.has_conditions,
      v_has_large_values or p.has_large_values, v_has_timeouts or p.run_timeout is not null or p.has_kinds or p.has_ends,
      v_has_subflows or p.has_kinds and 'subflow' = any(p.kinds), v_has_ends or p.has_ends
    into v_has_maps, v_has_conditions, v_has_large_values, v_has_timeouts, v_has_subflows, v_has_ends
    from pgflow.prepared_flows p
    where p.flow_slug = v_flow_slug;
  end loop;
  if v_has_subflows and not _complete.is_output then
    select * into v_begun
    from pgflow._begin_children(
      _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes, _complete.attempts,
      _complete.outputs, _complete.fenced
    );
    if v_begun.refused_positions is not null then
      v_refused_keys := array(
        select _complete.run_ids[o] || '.' || _complete.step_slugs[o] || '.' || _complete.task_indexes[o]
        from unnest(v_begun.refused_positions) o
      );
      v_live := false;
      return query
      select f.outcome, f.flow_slug, f.run_id, f.step_slug, f.task_index, f.attempt, f.worker_id, f.msg_id,
        coalesce(f.input, case when f.outcome <> 'due' then to_jsonb(v_begun.refused_messages[array_position(
          v_refused_keys, f.run_id || '.' || f.step_slug || '.' || f.task_index
        )]) end),
        f.flow_input, f.timeout, f.started_at, f.trace_context, f.delay, f.max_attempts, f.state, f.round
      from pgflow._fail(
        array(select _complete.worker_ids[o] from unnest(v_begun.refused_positions) o),
        array(select _complete.run_ids[o] from unnest(v_begun.refused_positions) o),
        array(select _complete.step_slugs[o] from unnest(v_begun.refused_positions) o),
        array(select _complete.task_indexes[o] from unnest(v_begun.refused_positions) o),
        array(select _complete.attempts[o] from unnest(v_begun.refused_positions) o),
        v_begun.refused_messages, v_begun.retryable, null, _complete.fenced
      ) f;
    end if;
    if v_begun.child_ids is not null then
      return query select d.* from pgflow._told_due(v_begun.child_ids) d;
    end if;
    v_settled := v_begun.begun_positions || v_begun.refused_positions;
    if cardinality(v_settled) = cardinality(_complete.run_ids) then
      if v_is_held then
        perform pgflow._keep_held(_complete.run_ids);
      end if;
      return;
    end if;
  end if;
  -- outputs that a dependent map cannot go over fail their runs
  if v_has_maps then
    select array_agg(st.flow_slug || '.' || st.step_slug) into v_map_steps
    from pgflow.steps st
    where st.flow_slug = any(v_flow_slugs) and st.step_type = 'map';
    if exists (
      select 1
      from pgflow.steps st
      join pgflow.deps d on d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
      where st.flow_slug = any(v_flow_slugs)
        and st.step_type = 'map'
        and d.is_array
        and d.dep_slug = any(_complete.step_slugs)
        and d.flow_slug || '.' || d.dep_slug <> all(v_map_steps)
    ) then
      v_violations := pgflow._fail_type_violations(
        _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes,
        _complete.attempts, _complete.outputs, _complete.fenced
      );
    end if;
    if v_violations is not null then
      v_live := false;
      v_settled := v_settled || v_violations;
      return query select v.* from pgflow._outcomes(
        'failed', v_violations, _complete.worker_ids, _complete.run_ids, _complete.step_slugs,
        _complete.task_indexes, _complete.attempts
      ) v;
    end if;
  end if;

  if not v_live then
    v_live_ids := array(
      select r.run_id from pgflow.runs r where r.run_id = any(_complete.run_ids) and r.status = 'started'
    );
  end if;

  -- store outputs, count, complete what is full
  with accepted as (
    update pgflow.step_tasks t
    set status = 'completed',
        completed_at = greatest(now(), t.started_at),
        output = g.output,
        waits_for = null
    from (
      select u.*, s.is_map
      from unnest(
        _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes,
        _complete.attempts, _complete.outputs
      ) with ordinality u(worker_id, run_id, step_slug, task_index, attempt, output, position)
      cross join lateral (
        select coalesce(l.flow_slug || '.' || l.step_slug = any(v_map_steps), false) as is_map
        from pgflow.step_states l
        where l.run_id = u.run_id and l.step_slug = u.step_slug and l.status = 'started'
        limit 1
      ) s
      where v_live or u.run_id = any(v_live_ids)
      limit v_all
    ) g
    where t.run_id = g.run_id
      and t.step_slug = g.step_slug
      and t.task_index = g.task_index
      and (t.status = 'started' or _complete.is_output and t.waits_for = 'child')
      and (not _complete.fenced or (t.last_worker_id = g.worker_id and t.attempts_count = g.attempt))
    returning t.flow_slug, t.run_id, t.step_slug, t.message_id, t.last_worker_id, g.position, g.is_map,
      case when not g.is_map then t.output end as output
  ),
  -- One counter update per (run, step), however many of its tasks are in the batch. The array of a map is put
  -- together below: this statement does not see the outputs it stores.
  counted as (
    update pgflow.step_states s
    set remaining_tasks = s.remaining_tasks - c.task_count,
        status = case when s.remaining_tasks = c.task_count and not c.is_map then 'completed' else s.status end,
        completed_at = case when s.remaining_tasks = c.task_count and not c.is_map
          then greatest(now(), s.started_at) end,
        output = case when s.remaining_tasks = c.task_count and not c.is_map then c.output end
    from (
      select a.run_id, a.step_slug, count(*)::int as task_count, bool_or(a.is_map) as is_map,
        (array_agg(a.last_worker_id))[1] as worker_id,
        (array_agg(a.output) filter (where not a.is_map))[1] as output
      from accepted a
      group by a.run_id, a.step_slug
      limit v_all
    ) c
    where s.run_id = c.run_id and s.step_slug = c.step_slug
    returning s.flow_slug, s.run_id, s.step_slug, c.worker_id, s.status, s.remaining_tasks, s.initial_tasks
  )
  select a.*, d.*
  into v_accepted
  from (
    select
      array_agg(a.flow_slug) as flow_slugs,
      array_agg(a.message_id) as msg_ids,
      array_agg(a.position) as positions
    from accepted a
  ) a
  cross join (
    select
      array_agg(c.flow_slug) as done_flow_slugs,
      array_agg(c.run_id) as done_run_ids,
      array_agg(c.step_slug) as done_step_slugs,
      array_agg(c.worker_id) as done_worker_ids,
      bool_or(c.status <> 'completed') as are_maps,  -- some of them
      max(c.initial_tasks) as most_tasks
    from counted c
    where c.remaining_tasks = 0
  ) d;

  -- what came late or from somebody else
  if coalesce(cardinality(v_accepted.positions), 0) < cardinality(_complete.run_ids) then
    v_refused := array(
      select p.position from generate_series(1::bigint, cardinality(_complete.run_ids)) p(position)
      except select a.position from unnest(v_accepted.positions || v_settled) a(position)
      order by 1
    );
    if v_has_ends then
      perform pgflow._note_late(
        _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes, _complete.attempts,
        _complete.outputs, not _complete.is_output, _complete.fenced
      );
    end if;
    perform pgflow._archive_late(v_refused, _complete.run_ids, _complete.step_slugs, _complete.task_indexes);
    return query select v.* from pgflow._outcomes(
      'stale', v_refused, _complete.worker_ids, _complete.run_ids, _complete.step_slugs,
      _complete.task_indexes, _complete.attempts
    ) v;
  end if;
  if v_accepted.positions is null then
    if v_is_held and v_settled is not null then
      perform pgflow._keep_held(_complete.run_ids);
    end if;
    return;
  end if;

  if not v_has_large_values and pg_column_size(_complete.outputs) > 65536 then
    select array_agg(r.flow_slug) into v_large_flow_slugs
    from unnest(_complete.run_ids, _complete.outputs) u(run_id, output)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = u.run_id limit 1) r
    where pg_column_size(u.output) > 65536;
  end if;

  -- the arrays of maps; of few outputs none of which is large the sum is not either
  if v_accepted.are_maps then
    if v_has_large_values or v_large_flow_slugs is not null or v_accepted.most_tasks > 1600 then
      select o.positions, o.sizes into v_outgrown, v_sizes
      from pgflow._outgrown(
        v_accepted.done_flow_slugs, v_accepted.done_run_ids, v_accepted.done_step_slugs, v_map_steps
      ) o;
    end if;
    with filled as (
      update pgflow.step_states s
      set status = 'completed',
          completed_at = greatest(now(), s.started_at),
          output = (
            select jsonb_agg(t.output order by t.task_index)
            from pgflow.step_tasks t
            where t.run_id = s.run_id and t.step_slug = s.step_slug
          )
      from (
        select *
        from unnest(v_accepted.done_run_ids, v_accepted.done_step_slugs)
          with ordinality f(run_id, step_slug, position)
        where (f.position = any(v_outgrown)) is not true
        limit v_all
      ) f
      where s.run_id = f.run_id and s.step_slug = f.step_slug and s.status <> 'completed'
      returning s.flow_slug, pg_column_size(s.output) as bytes
    )
    select v_large_flow_slugs || array_agg(f.flow_slug) into v_large_flow_slugs
    from filled f
    where f.bytes > 65536;
  end if;
  if v_outgrown is not null then
    v_outgrown_run_ids := array(select v_accepted.done_run_ids[o] from unnest(v_outgrown) o);
    v_outgrown_step_slugs := array(select v_accepted.done_step_slugs[o] from unnest(v_outgrown) o);
    select array_agg(d.flow_slug), array_agg(d.run_id), array_agg(d.step_slug), array_agg(d.worker_id)
    into v_accepted.done_flow_slugs, v_accepted.done_run_ids, v_accepted.done_step_slugs, v_accepted.done_worker_ids
    from unnest(
      v_accepted.done_flow_slugs, v_accepted.done_run_ids, v_accepted.done_step_slugs, v_accepted.done_worker_ids
    ) with ordinality d(flow_slug, run_id, step_slug, worker_id, position)
    where d.position <> all(v_outgrown);
  end if;
  if v_large_flow_slugs is not null then
    v_has_large_values := true;
    perform pgflow._note_large_values(v_large_flow_slugs);
  end if;

  -- go on: dependents, hand-over, the end of runs
  perform pgflow._archive(v_accepted.flow_slugs, v_accepted.msg_ids);

  if v_accepted.done_run_ids is not null then
    if to_regnamespace('realtime') is not null then
      perform pgflow._send_events('step:completed', v_accepted.done_run_ids, v_accepted.done_step_slugs);
    end if;
    v_handed := pgflow._advance(
      v_accepted.done_flow_slugs, v_accepted.done_run_ids, v_accepted.done_step_slugs,
      v_accepted.done_worker_ids, v_hand_over, true, v_has_large_values, v_has_timeouts, v_has_conditions
    );
    if v_handed.handed_run_ids is not null then
      return query select v.* from pgflow._hand_out(
        v_handed.handed_flow_slugs, v_handed.handed_run_ids, v_handed.handed_step_slugs,
        v_handed.handed_task_indexes, _complete.flow_input_steps, v_has_large_values, null
      ) v;
    end if;
  end if;
  if v_outgrown is not null then
    perform pgflow._fail_outgrown(v_outgrown_run_ids, v_outgrown_step_slugs, v_sizes);
  end if;
  if v_is_held then
    perform pgflow._keep_held(_complete.run_ids);
  end if;
  if exists (select 1 from pgflow.announcements) then
    perform pgflow._notify(null, _complete.run_ids);
  end if;
  if v_has_origins or v_has_ends then
    return query select d.* from pgflow._told_due(_complete.run_ids) d;
  end if;
end;
$$;

-- ---- schema/50_tasks/_deliver.sql
-- _task_results for tasks (keys with their flows) that this transaction has started, one by one and measured (see
-- _hand_out). Inputs of at most max_bytes bytes of JSON are handed out, of a single task also more; the start
-- of the others is taken back. A task whose input cannot be put together or is larger than PostgreSQL could send
-- fails without a retry; where another session has its run just now, that is left to the next claim.
create function pgflow._deliver(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  flow_input_steps text[],
  max_bytes int
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  c_most constant bigint := 536870912;  -- a message to a client ends at 1 GB
  v_left bigint := coalesce(max_bytes, 67108864);
  v_task pgflow.task_result;
  v_bytes bigint;
  v_reason text;
  v_count int := 0;
  v_after int[] := '{}';      -- positions beyond the budget
  v_poisoned int[] := '{}';   -- positions of tasks that fail
  v_reasons text[] := '{}';   -- of the same
begin
  for v_place in 1 .. cardinality(run_ids) loop
    if v_count > 0 and v_left <= 0 then
      v_after := v_after || v_place;
      continue;
    end if;
    begin
      select t.* into v_task
      from pgflow._task_results(
        _deliver.flow_slugs[v_place:v_place], _deliver.run_ids[v_place:v_place],
        _deliver.step_slugs[v_place:v_place], _deliver.task_indexes[v_place:v_place], _deliver.flow_input_steps
      ) t;
      v_bytes := coalesce(octet_length(v_task.input::text), 0)::bigint
        + coalesce(octet_length(v_task.flow_input::text), 0) + coalesce(octet_length(v_task.state::text), 0);
      v_reason := case when v_bytes > c_most then format(
        'it takes %s bytes of JSON, at most %s can be sent', trim(to_char(v_bytes, '999,999,999,999')),
        trim(to_char(c_most, '999,999,999,999'))
      ) end;
    exception when others then
      if pgflow._is_passing(sqlstate) then
        raise;
      end if;
      v_reason := format('%s (%s)', sqlerrm, sqlstate);
    end;
    if v_reason is not null then
      v_poisoned := v_poisoned || v_place;
      v_reasons := v_reasons || v_reason;
    elsif v_count = 0 or v_bytes <= v_left then
      return next v_task;
      v_count := v_count + 1;
      v_left := v_left - v_bytes;
    else
      v_after := v_after || v_place;
      v_left := 0;  -- whatever comes later keeps its turn
    end if;
  end loop;

  if v_after <> '{}' then
    perform pgflow._unstart(
      array(select run_ids[p] from unnest(v_after) p),
      array(select step_slugs[p] from unnest(v_after) p),
      array(select task_indexes[p] from unnest(v_after) p), 0
    );
  end if;
  for v_number in 1 .. cardinality(v_poisoned) loop
    perform pgflow._fail_undeliverable(
      run_ids[v_poisoned[v_number]], step_slugs[v_poisoned[v_number]], task_indexes[v_poisoned[v_number]],
      v_reasons[v_number]
    );
  end loop;
end;
$$;

-- ---- schema/50_tasks/_delivered_tasks.sql
-- The started tasks of a flow, those first whose messages become visible first; of at most max_messages (null: all).
-- Looks at delivered messages only: an index on the tasks' status would cost every update, and what merely waits
-- must cost nothing here.
create function pgflow._delivered_tasks(flow_slug text, max_messages int)
returns table (
  run_id uuid, step_slug text, task_index int, worker_id uuid, attempt int, started_at timestamptz,
  is_given_up boolean
)
language plpgsql
stable
as $$
begin
  if to_regclass(format('pgmq.%I', pgflow._queue_table(_delivered_tasks.flow_slug, 'q'))) is null then
    return;
  end if;
  return query execute format(
    $sql$
      select t.run_id, t.step_slug, t.task_index, t.last_worker_id, t.attempts_count, t.started_at,
        t.permanently_stalled_at is not null
      from (
        select (q.message ->> 'run_id')::uuid as run_id, q.message ->> 'step_slug' as step_slug,
          (q.message ->> 'task_index')::int as task_index
        from pgmq.%I q
        where q.read_ct > 0 and pgflow._is_task_message(q.message)
        order by q.vt
        limit $1
      ) m
      cross join lateral (
        select *
        from pgflow.step_tasks l
        where l.run_id = m.run_id and l.step_slug = m.step_slug and l.task_index = m.task_index
        limit 1
      ) t
      where t.status = 'started'
    $sql$,
    pgflow._queue_table(_delivered_tasks.flow_slug, 'q')
  ) using _delivered_tasks.max_messages;
end;
$$;

-- ---- schema/50_tasks/_fail.sql
-- Fails tasks of many runs, as if one after the other with, in each run, first whatever fails the run, then
-- whatever skips a step: the rest of that run or step then comes late; last come failures that are values. fenced as in
-- _complete.
-- retryable[i] = false: no further attempt. retry_after[i]: seconds instead of the formula; such an attempt has
-- not failed but asked to run again.
-- A retry in more than ten seconds waits without a message where there are workers to fire its timer: those that give
-- fences. Hidden messages are walked over by each claim.
create function pgflow._fail(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  error_messages text[],
  retryable boolean[],
  retry_after int[],
  fenced boolean
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_tasks pgflow.task_result[];
  v_errors text[];
  v_is_held boolean;  -- whether one of the runs is
  v_has_origins boolean;  -- whether one of the runs has, or something follows its end
  v_live boolean;  -- whether all runs are still started
  v_asked boolean[];
  v_part record;
  v_longest_hidden int := case when _fail.fenced then 10 else 2147483647 end;  -- seconds
  v_all bigint;  -- see 00_model/model.sql
begin
  select bool_or(l.held_at is not null), bool_or(l.has_origin), bool_and(l.status = 'started')
  into v_is_held, v_has_origins, v_live
  from (
    select r.held_at, r.has_origin, r.status
    from pgflow.runs r
    where r.run_id = any(_fail.run_ids)
    order by r.run_id
    for no key update
  ) l;

  -- judge, and store with each task what becomes of it
  select j.tasks, j.errors, j.asked into v_tasks, v_errors, v_asked
  from pgflow._judge_failures(
    _fail.worker_ids, _fail.run_ids, _fail.step_slugs, _fail.task_indexes, _fail.attempts, _fail.error_messages,
    _fail.retryable, _fail.retry_after, _fail.fenced
  ) j;

  update pgflow.step_tasks t
  set status = case v.outcome when 'retry' then 'queued' when 'value' then t.status else 'failed' end,
      message_id = case when v.waits then null else t.message_id end,
      waits_for = case when v.waits then 'time' end,
      started_at = case v.outcome when 'retry' then null else t.started_at end,
      failed_at = case when v.outcome not in ('retry', 'value') then greatest(now(), t.started_at) end,
      is_tolerated = case v.outcome when 'value' then true end,
      error_message = v.error_message,
      attempt_errors = pgflow._with_attempt(
        t.attempt_errors, t.attempts_count, v.error_message,
        case when v.asked and v.outcome = 'retry' then v.delay end
      ),
      again_count = case when v.asked and v.outcome = 'retry' then coalesce(t.again_count, 0) + 1
        else t.again_count end
  from (
    select g.*, g.outcome = 'retry' and g.delay > v_longest_hidden as waits
    from unnest(v_tasks, v_errors, v_asked) g(
      outcome, flow_slug, run_id, step_slug, task_index, attempt, worker_id, msg_id, input, flow_input,
      timeout, started_at, trace_context, delay, max_attempts, state, round, error_message, asked
    )
    where g.outcome in ('retry', 'fail', 'skip', 'skip-cascade', 'value', 'run failed')
    limit v_all
  ) v
  where t.run_id = v.run_id and t.step_slug = v.step_slug and t.task_index = v.task_index;

  -- sort by what has to follow
  select
    array_agg(v.flow_slug) filter (where v.outcome = 'retry' and not w.waits) as retry_flow_slugs,
    array_agg(v.msg_id) filter (where v.outcome = 'retry' and not w.waits) as retry_msg_ids,
    array_agg(v.delay) filter (where v.outcome = 'retry' and not w.waits) as retry_delays,
    array_agg(v.flow_slug) filter (where w.waits) as wait_flow_slugs,
    array_agg(v.run_id) filter (where w.waits) as wait_run_ids,
    array_agg(v.step_slug) filter (where w.waits) as wait_step_slugs,
    array_agg(v.task_index) filter (where w.waits) as wait_task_indexes,
    array_agg(clock_timestamp() + make_interval(secs => v.delay)) filter (where w.waits) as wait_due_at,
    array_agg(jsonb_build_object('attempt', v.attempt)) filter (where w.waits) as wait_payloads,
    array_agg(v.flow_slug) filter (where v.outcome = 'retry' and v.delay = 0) as visible_flow_slugs,
    array_agg(v.flow_slug) filter (where w.waits or v.outcome not in ('retry', 'stale', 'value')) as over_flow_slugs,
    array_agg(v.msg_id) filter (where w.waits or v.outcome not in ('retry', 'stale', 'value')) as over_msg_ids,
    array_agg(v.run_id) filter (where v.outcome = 'fail') as fail_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'fail') as fail_step_slugs,
    array_agg(v.error_message) filter (where v.outcome = 'fail') as fail_messages,
    array_agg(v.run_id) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_run_ids,
    array_agg(v.step_slug) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_step_slugs,
    array_agg(v.error_message) filter (where v.outcome in ('skip', 'skip-cascade')) as skip_messages,
    array_agg(v.flow_slug) filter (where v.outcome = 'skip') as plain_flow_slugs,
    array_agg(v.run_id) filter (where v.outcome = 'skip') as plain_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'skip') as plain_step_slugs,
    array_agg(v.run_id) filter (where v.outcome = 'skip-cascade') as cascade_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'skip-cascade') as cascade_step_slugs,
    array_agg(v.run_id) filter (where v.outcome = 'value') as value_run_ids,
    array_agg(v.step_slug) filter (where v.outcome = 'value') as value_step_slugs,
    array_agg(v.task_index) filter (where v.outcome = 'value') as value_task_indexes,
    array_agg(v.error_message) filter (where v.outcome = 'value') as value_messages,
    array_agg(v.run_id) filter (where v.outcome in ('fail', 'skip', 'skip-cascade')) as changed_run_ids,
    bool_or(v.outcome = 'late') as has_late
  into v_part
  from unnest(v_tasks, v_errors) v(
    outcome, flow_slug, run_id, step_slug, task_index, attempt, worker_id, msg_id, input, flow_input,
    timeout, started_at, trace_context, delay, max_attempts, state, round, error_message
  )
  cross join lateral (select v.outcome = 'retry' and v.delay > v_longest_hidden as waits) w;

  -- messages, timers, the ends of runs and steps
  if v_part.retry_msg_ids is not null then
    perform pgflow._send_back(v_part.retry_flow_slugs, v_part.retry_msg_ids, v_part.retry_delays);
  end if;
  if v_part.wait_run_ids is not null then
    perform pgflow._set_timers(
      'wait', v_part.wait_due_at, v_part.wait_flow_slugs, v_part.wait_run_ids, v_part.wait_step_slugs,
      v_part.wait_task_indexes, v_part.wait_payloads
    );
  end if;
  if v_part.over_msg_ids is not null then
    perform pgflow._archive(v_part.over_flow_slugs, v_part.over_msg_ids);
  end if;
  if v_part.fail_run_ids is not null then
    perform pgflow._fail_runs(v_part.fail_run_ids, v_part.fail_step_slugs, v_part.fail_messages);
  end if;
  if v_part.skip_run_ids is not null then
    perform pgflow._skip_steps(
      v_part.skip_run_ids, v_part.skip_step_slugs,
      array_fill('handler_failed'::text, array[cardinality(v_part.skip_run_ids)]), v_part.skip_messages
    );
    perform pgflow._force_skip(v_part.cascade_run_ids, v_part.cascade_step_slugs);
    perform pgflow._advance(
      v_part.plain_flow_slugs, v_part.plain_run_ids, v_part.plain_step_slugs, null, 0, false, true, true, true
    );
    perform pgflow._finish_runs(v_part.cascade_run_ids, false, true);
  end if;
  if v_part.value_run_ids is not null then
    perform pgflow._tolerate(
      v_part.value_run_ids, v_part.value_step_slugs, v_part.value_task_indexes, v_part.value_messages
    );
  end if;
  if not v_live or v_part.has_late then
    perform pgflow._note_late(
      _fail.worker_ids, _fail.run_ids, _fail.step_slugs, _fail.task_indexes, _fail.attempts, null, false, _fail.fenced
    );
  end if;
  if v_is_held then
    perform pgflow._keep_held(_fail.run_ids);
  end if;
  perform pgflow._notify(v_part.visible_flow_slugs, v_part.changed_run_ids);

  return query
  select
    case v.outcome
      when 'retry' then 'retried'
      when 'fail' then 'failed'
      when 'run failed' then 'failed'
      when 'skip' then 'skipped'
      when 'skip-cascade' then 'skipped'
      when 'value' then 'tolerated'
      else 'stale'
    end,
    v.flow_slug, v.run_id, v.step_slug, v.task_index, v.attempt, v.worker_id, v.msg_id,
    case when v.outcome in ('late', 'stale') then pgflow._why_refused(v.run_id, v.step_slug) end, v.flow_input,
    v.timeout, v.started_at, v.trace_context,
    case v.outcome when 'retry' then v.delay end,
    v.max_attempts, null::jsonb, null::int
  from unnest(v_tasks) v;
  if v_has_origins or not v_live or v_part.fail_run_ids is not null or v_part.skip_run_ids is not null then
    return query select d.* from pgflow._told_due(_fail.run_ids) d;
  end if;
end;
$$;

-- ---- schema/50_tasks/_fail_outgrown.sql
-- Fails the maps (pairs, with the sizes of their outputs) whose outputs are too large to be one value, and their runs,
-- whatever when_exhausted says: in each run the first. Their tasks fail with them, so that a retry of the run does all of
-- them again; what they did is undone all the same. Callers hold the runs.
create function pgflow._fail_outgrown(run_ids uuid[], step_slugs text[], sizes bigint[])
returns void
language plpgsql
as $$
declare
  v_failed record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(f.run_id) as run_ids, array_agg(f.step_slug) as step_slugs, array_agg(format(
    'OutputTooLarge: the outputs of the tasks of step "%s" take %s bytes of JSON together, at most 104,857,600 can be '
      || 'kept. Store large data elsewhere and hand over where it is.',
    f.step_slug, trim(to_char(f.bytes, '999,999,999,999,999'))
  )) as messages
  into v_failed
  from (
    select distinct on (g.run_id) g.run_id, g.step_slug, g.bytes
    from unnest(_fail_outgrown.run_ids, _fail_outgrown.step_slugs, _fail_outgrown.sizes) g(run_id, step_slug, bytes)
    where (select r.status from pgflow.runs r where r.run_id = g.run_id) = 'started'
    order by g.run_id, g.step_slug collate "C"
  ) f;
  if v_failed.run_ids is null then
    return;
  end if;

  perform pgflow._note_done(v_failed.run_ids, v_failed.step_slugs);
  update pgflow.step_tasks t
  set status = 'failed', completed_at = null, failed_at = t.completed_at, output = null, is_tolerated = null,
      error_message = f.error_message
  from (
    select *
    from unnest(v_failed.run_ids, v_failed.step_slugs, v_failed.messages) g(run_id, step_slug, error_message)
    limit v_all
  ) f
  where t.run_id = f.run_id and t.step_slug = f.step_slug and t.status = 'completed';
  perform pgflow._fail_runs(v_failed.run_ids, v_failed.step_slugs, v_failed.messages);
end;
$$;

-- ---- schema/50_tasks/_fail_type_violations.sql
-- A single step that feeds a map whose number of tasks is still unknown has to produce an array. Fails the
-- runs of elements that do not (the first of each run) and returns their positions. Callers hold the run locks.
create function pgflow._fail_type_violations(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  fenced boolean
)
returns bigint[]
language plpgsql
as $$
declare
  v_wrong record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select
    array_agg(w.position) as positions,
    array_agg(w.run_id) as run_ids,
    array_agg(w.step_slug) as step_slugs,
    array_agg(w.task_index) as task_indexes,
    array_agg(w.output) as outputs,
    array_agg(w.produced) as types,
    array_agg(w.flow_slug) as flow_slugs,
    array_agg(w.message_id) as msg_ids,
    array_agg(format(
      '[TYPE_VIOLATION] Map step %s expects array input but dependency %s produced %s',
      w.map_slug, w.step_slug, w.produced
    )) as messages
  into v_wrong
  from (
    select distinct on (g.run_id)
      g.position, g.run_id, g.step_slug, g.task_index, g.output, t.flow_slug, t.message_id, m.map_slug,
      coalesce(jsonb_typeof(g.output), 'null') as produced
    from unnest(
      _fail_type_violations.worker_ids, _fail_type_violations.run_ids, _fail_type_violations.step_slugs,
      _fail_type_violations.task_indexes, _fail_type_violations.attempts, _fail_type_violations.outputs
    ) with ordinality g(worker_id, run_id, step_slug, task_index, attempt, output, position)
    cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
    cross join lateral (
      select l.flow_slug, l.step_slug, l.status
      from pgflow.step_states l
      where l.run_id = g.run_id and l.step_slug = g.step_slug
      limit 1
    ) s
    cross join lateral (
      select l.step_type
      from pgflow.steps l
      where l.flow_slug = s.flow_slug and l.step_slug = g.step_slug
      limit 1
    ) st
    cross join lateral (
      select *
      from pgflow.step_tasks l
      where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      limit 1
    ) t
    cross join lateral (
      select d.step_slug as map_slug
      from pgflow.deps d
      join pgflow.steps c on c.flow_slug = d.flow_slug and c.step_slug = d.step_slug
      join pgflow.step_states cs on cs.run_id = g.run_id and cs.step_slug = d.step_slug
      where d.flow_slug = s.flow_slug
        and d.dep_slug = s.step_slug
        and d.is_array
        and cs.initial_tasks is null
      order by c.step_index
      limit 1
    ) m
    where (g.output is null or jsonb_typeof(g.output) <> 'array')
      and r.status = 'started'
      and s.status = 'started'
      and st.step_type = 'single'
      and t.status = 'started'
      and (
        not _fail_type_violations.fenced
        or (t.last_worker_id = g.worker_id and t.attempts_count = g.attempt)
      )
    order by g.run_id, g.position
  ) w;
  if v_wrong.positions is null then
    return null;
  end if;

  update pgflow.step_tasks t
  set status = 'failed',
      failed_at = greatest(now(), t.started_at),
      output = w.output,
      error_message = format('[TYPE_VIOLATION] Produced %s instead of array', w.produced),
      attempt_errors = pgflow._with_attempt(
        t.attempt_errors, t.attempts_count, format('[TYPE_VIOLATION] Produced %s instead of array', w.produced), null
      )
  from (
    select *
    from unnest(v_wrong.run_ids, v_wrong.step_slugs, v_wrong.task_indexes, v_wrong.outputs, v_wrong.types)
      g(run_id, step_slug, task_index, output, produced)
    limit v_all
  ) w
  where t.run_id = w.run_id and t.step_slug = w.step_slug and t.task_index = w.task_index;

  perform pgflow._archive(v_wrong.flow_slugs, v_wrong.msg_ids);
  perform pgflow._fail_runs(v_wrong.run_ids, v_wrong.step_slugs, v_wrong.messages);
  perform pgflow._notify(null, v_wrong.run_ids);
  return v_wrong.positions;
end;
$$;

-- ---- schema/50_tasks/_fail_undeliverable.sql
-- Fails a task that this transaction has started and whose input cannot be handed over, by when_exhausted. Whoever
-- claims has messages and no run, whoever completes locks in the opposite order: so this never waits for the run.
create function pgflow._fail_undeliverable(run_id uuid, step_slug text, task_index int, reason text)
returns void
language plpgsql
as $$
declare
  v_words text;
begin
  perform 1 from pgflow.runs r where r.run_id = _fail_undeliverable.run_id for no key update skip locked;
  if not found then
    perform pgflow._unstart(
      array[_fail_undeliverable.run_id], array[_fail_undeliverable.step_slug],
      array[_fail_undeliverable.task_index], 1
    );
    return;
  end if;
  v_words := pgflow._why_undeliverable(
    _fail_undeliverable.run_id, _fail_undeliverable.step_slug, _fail_undeliverable.reason
  );
  begin
    perform 1 from pgflow._fail(
      array[null::uuid], array[_fail_undeliverable.run_id], array[_fail_undeliverable.step_slug],
      array[_fail_undeliverable.task_index], array[null::int], array[v_words], array[false], null, false
    );
  exception when others then
    if pgflow._is_passing(sqlstate) then
      raise;
    end if;
    -- what when_exhausted asks for cannot be done either: claims must go on
    update pgflow.step_tasks t
    set status = 'failed', failed_at = greatest(now(), t.started_at), error_message = v_words
    where t.run_id = _fail_undeliverable.run_id
      and t.step_slug = _fail_undeliverable.step_slug
      and t.task_index = _fail_undeliverable.task_index;
    perform pgflow._archive(array[t.flow_slug], array[t.message_id])
    from pgflow.step_tasks t
    where t.run_id = _fail_undeliverable.run_id
      and t.step_slug = _fail_undeliverable.step_slug
      and t.task_index = _fail_undeliverable.task_index;
    perform pgflow._fail_runs(
      array[_fail_undeliverable.run_id], array[_fail_undeliverable.step_slug], array[v_words]
    );
    perform pgflow._notify(null, array[_fail_undeliverable.run_id]);
  end;
end;
$$;

-- ---- schema/50_tasks/_hand_out.sql
-- _task_results for tasks (keys with their flows) that this transaction has started: all at once, or one by one and
-- measured (_deliver) where one of the inputs cannot be put together, where the caller gave a budget, or where their
-- flows have carried large values and much is stored of them.
create function pgflow._hand_out(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  flow_input_steps text[],
  has_large_values boolean,
  max_bytes int
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_is_measured boolean := max_bytes is not null;
begin
  if has_large_values and not v_is_measured then
    v_is_measured := not pgflow._are_light(
      _hand_out.flow_slugs, _hand_out.run_ids, _hand_out.step_slugs, _hand_out.task_indexes,
      _hand_out.flow_input_steps
    );
  end if;
  if not v_is_measured then
    begin
      return query select t.* from pgflow._task_results(
        _hand_out.flow_slugs, _hand_out.run_ids, _hand_out.step_slugs, _hand_out.task_indexes,
        _hand_out.flow_input_steps
      ) t;
      return;
    exception when others then
      if pgflow._is_passing(sqlstate) then
        raise;
      end if;
    end;
  end if;
  return query select t.* from pgflow._deliver(
    _hand_out.flow_slugs, _hand_out.run_ids, _hand_out.step_slugs, _hand_out.task_indexes,
    _hand_out.flow_input_steps, _hand_out.max_bytes
  ) t;
end;
$$;

-- ---- schema/50_tasks/_hide.sql
-- Hides message i of queue i for so many seconds from now on: its task is started.
create function pgflow._hide(flow_slugs text[], msg_ids bigint[], seconds int[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
begin
  foreach v_flow_slug in array pgflow._distinct(_hide.flow_slugs) loop
    perform 1
    from (
      select array_agg(g.msg_id) as msg_ids, array_agg(g.seconds) as seconds
      from unnest(_hide.flow_slugs, _hide.msg_ids, _hide.seconds) g(flow_slug, msg_id, seconds)
      where g.flow_slug = v_flow_slug
    ) m
    cross join lateral pgflow.set_vt_batch(v_flow_slug, m.msg_ids, m.seconds);
  end loop;
end;
$$;

-- ---- schema/50_tasks/_judge_failures.sql
-- What becomes of each failed task, in the order given: tasks[i].outcome is a verdict,
--   retry            back to the queue after tasks[i].delay seconds
--   fail             exhausted: the step and its run fail
--   skip[-cascade]   exhausted: the step is skipped
--   value            exhausted: the task completes, and its output says that it failed
--   run failed       its run has failed, before or in this batch: the task fails with it
--   late             its step has ended, before or in this batch: only its message goes
--   stale            not started, or not by this worker in this attempt: nothing happens
-- Within a run whatever fails the run counts first, within a step whatever skips it. Callers hold the runs.
create function pgflow._judge_failures(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  error_messages text[],
  retryable boolean[],
  retry_after int[],
  fenced boolean,
  out tasks pgflow.task_result[],
  out errors text[],
  out asked boolean[]
)
language plpgsql
as $$
begin
  select
    array_agg(row(
      v.verdict, v.flow_slug, v.run_id, v.step_slug, v.task_index, v.attempt, v.worker_id, v.message_id,
      null, null, null, null, v.trace_context, v.delay, v.max_attempts, null, null
    )::pgflow.task_result order by v.position),
    array_agg(v.error_message order by v.position),
    array_agg(v.retry_after is not null order by v.position)
  into tasks, errors, asked
  from (
    select
      c.*,
      -- then by what else is in the batch
      case
        when c.first_verdict not in ('retry', 'fail', 'skip', 'skip-cascade', 'value') then c.first_verdict
        when c.fail_position is not null then
          case when c.position = c.fail_position then 'fail' else 'run failed' end
        when c.skip_position is not null and c.position <> c.skip_position then 'late'
        else c.first_verdict
      end as verdict
    from (
      select
        j.*,
        min(j.position) filter (where j.first_verdict = 'fail')
          over (partition by j.run_id) as fail_position,
        min(j.position) filter (where j.first_verdict in ('skip', 'skip-cascade'))
          over (partition by j.run_id, j.step_slug) as skip_position
      from (
        select
          g.*,
          r.flow_slug,
          r.trace_context,
          t.message_id,
          coalesce(st.opt_max_attempts, f.opt_max_attempts) + t.forgiven_count as max_attempts,
          coalesce(
            case when g.retry_after is not null then least(greatest(g.retry_after, 0), 31536000) end,
            pgflow._retry_delay(
              coalesce(st.opt_backoff, f.opt_backoff),
              coalesce(st.opt_base_delay, f.opt_base_delay),
              coalesce(st.opt_max_delay, f.opt_max_delay),
              t.attempts_count - t.forgiven_count
            )
          ) as delay,
          -- first each task by itself
          case
            when t.run_id is null then 'stale'
            when _judge_failures.fenced
              and (t.last_worker_id, t.attempts_count) is distinct from (g.worker_id, g.attempt)
              then case when r.status = 'started' and s.status = 'started' then 'stale' else 'late' end
            when r.status = 'failed' then case when t.status = 'started' then 'run failed' else 'late' end
            when s.status <> 'started' then 'late'
            when t.status <> 'started' then 'stale'
            when row_number() over (
              partition by g.run_id, g.step_slug, g.task_index, g.worker_id, g.attempt order by g.position
            ) > 1
              then 'stale'
            -- a requeue after a crash has counted an attempt that the handler did not fail
            when coalesce(g.retryable, true)
              and t.attempts_count - t.forgiven_count - t.requeued_count < coalesce(st.opt_max_attempts, f.opt_max_attempts)
              then 'retry'
            else st.when_exhausted
          end as first_verdict
        from unnest(
          _judge_failures.worker_ids, _judge_failures.run_ids, _judge_failures.step_slugs,
          _judge_failures.task_indexes, _judge_failures.attempts, _judge_failures.error_messages,
          _judge_failures.retryable, _judge_failures.retry_after
        ) with ordinality g(
          worker_id, run_id, step_slug, task_index, attempt, error_message, retryable, retry_after, position
        )
        left join lateral (
          select *
          from pgflow.step_tasks l
          where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
          limit 1
        ) t on true
        left join lateral (select * from pgflow.runs l where l.run_id = t.run_id limit 1) r on true
        left join lateral (
          select l.status
          from pgflow.step_states l
          where l.run_id = t.run_id and l.step_slug = t.step_slug
          limit 1
        ) s on true
        left join lateral (
          select * from pgflow.steps l where l.flow_slug = t.flow_slug and l.step_slug = t.step_slug limit 1
        ) st on true
        left join lateral (select * from pgflow.flows l where l.flow_slug = t.flow_slug limit 1) f on true
      ) j
    ) c
  ) v;
end;
$$;

-- ---- schema/50_tasks/_judge_rounds.sql
-- What becomes of each round that has ended (see again_tasks), in the order given:
--   stale      not started, not by this worker in this attempt, or its run or step is over
--   exhausted  that was the last one
--   now        the next one begins at once, and is the first of as many as are handed over
--   soon       its message goes back to the queue, for so many seconds
--   later      it waits without a message; hidden ones are walked over by each claim
-- Callers hold the runs.
create function pgflow._judge_rounds(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  delays_ms bigint[],
  hand_over int
)
returns table (
  "position" bigint, flow_slug text, run_id uuid, step_slug text, task_index int, message_id bigint, attempt int,
  verdict text, delay double precision, max_rounds int, vt_offset int
)
language plpgsql
as $$
declare
  v_longest_hidden constant int := 10;  -- seconds; see _fail
begin
  return query
  select
    j.position, j.flow_slug, j.run_id, j.step_slug, j.task_index, j.message_id, j.attempt,
    case
      when j.nth > 1 then 'stale'
      when j.verdict <> 'next' then j.verdict
      when j.delay > v_longest_hidden then 'later'
      when j.may_be_handed
        and count(*) filter (where j.may_be_handed and j.nth = 1) over (order by j.position) <= _judge_rounds.hand_over
        then 'now'
      else 'soon'
    end,
    j.delay, j.max_rounds, j.vt_offset
  from (
    select
      g.position, t.flow_slug, g.run_id, g.step_slug, g.task_index, t.message_id, g.attempt,
      o.max_rounds, d.delay, v.verdict,
      row_number() over (
        partition by g.run_id, g.step_slug, g.task_index, g.worker_id, g.attempt order by g.position
      ) as nth,
      v.verdict = 'next' and d.delay = 0 and not p.is_paused and r.held_at is null as may_be_handed,
      p.vt_offsets[array_position(p.step_slugs, g.step_slug)] as vt_offset
    from unnest(
      _judge_rounds.worker_ids, _judge_rounds.run_ids, _judge_rounds.step_slugs, _judge_rounds.task_indexes,
      _judge_rounds.attempts, _judge_rounds.delays_ms
    ) with ordinality g(worker_id, run_id, step_slug, task_index, attempt, delay_ms, position)
    left join lateral (
      select *
      from pgflow.step_tasks l
      where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      limit 1
    ) t on true
    left join lateral (select l.status, l.held_at from pgflow.runs l where l.run_id = t.run_id limit 1) r on true
    left join lateral (
      select l.status from pgflow.step_states l where l.run_id = t.run_id and l.step_slug = t.step_slug limit 1
    ) s on true
    left join lateral (
      select l.kind, l.options
      from pgflow.steps l
      where l.flow_slug = t.flow_slug and l.step_slug = t.step_slug
      limit 1
    ) st on true
    left join lateral (select * from pgflow.prepared_flows l where l.flow_slug = t.flow_slug limit 1) p on true
    cross join lateral (
      -- a step that is no loop has one round
      select case st.kind when 'loop' then (st.options ->> 'max_rounds')::int else 1 end as max_rounds
    ) o
    cross join lateral (
      select least(
        greatest(coalesce(g.delay_ms / 1000.0, (st.options ->> 'every')::numeric, 0), 0), 31536000
      )::double precision as delay
    ) d
    cross join lateral (
      select case
        when t.run_id is null or (t.last_worker_id, t.attempts_count) is distinct from (g.worker_id, g.attempt)
          or r.status <> 'started' or s.status <> 'started' or t.status <> 'started'
          then 'stale'
        when coalesce(t.round, 1) >= o.max_rounds then 'exhausted'
        else 'next'
      end as verdict
    ) v
  ) j
  order by j.position;
end;
$$;

-- ---- schema/50_tasks/_note_large_values.sql
-- Notes that these flows have carried a value of more than 64 kB: how much is stored of their tasks' inputs is looked at
-- when they are handed out (_hand_out), of all others it is not. Written once in a flow's life, and left to a later call where
-- another transaction is at it.
create function pgflow._note_large_values(flow_slugs text[])
returns void
language plpgsql
as $$
begin
  update pgflow.prepared_flows p
  set has_large_values = true
  where p.flow_slug = any(array(
    select l.flow_slug
    from pgflow.prepared_flows l
    where l.flow_slug = any(_note_large_values.flow_slugs) and not l.has_large_values
    order by l.flow_slug
    for no key update skip locked
  ));
end;
$$;

-- ---- schema/50_tasks/_notify.sql
-- Hints for those who announced that they wait: idle workers of these flows, watchers of these runs.
-- PostgreSQL folds equal notifications of one transaction into one.
create function pgflow._notify(flow_slugs text[], run_ids uuid[])
returns void
language plpgsql
as $$
begin
  if not exists (select 1 from pgflow.announcements) then
    return;  -- the common case under load: no per-run work at all
  end if;
  perform pg_notify(c.channel, '')
  from (
    select 'pgflow_work_' || lower(f.slug) as channel from unnest(_notify.flow_slugs) f(slug)
    union
    select 'pgflow_run_' || replace(r.id::text, '-', '') from unnest(_notify.run_ids) r(id)
  ) c
  where exists (
    select 1 from pgflow.announcements a where a.channel = c.channel and a.valid_until > clock_timestamp()
  );
end;
$$;

-- ---- schema/50_tasks/_outcomes.sql
-- The elements at these positions of a worker's call, with one outcome; order of the positions.
create function pgflow._outcomes(
  outcome text,
  positions bigint[],
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[]
)
returns setof pgflow.task_result
language plpgsql
as $$
begin
  return query
  select
    _outcomes.outcome, r.flow_slug, g.run_id, g.step_slug, g.task_index, g.attempt, g.worker_id, t.message_id,
    case when _outcomes.outcome = 'stale' then pgflow._why_refused(g.run_id, g.step_slug) end, null::jsonb, null::int, null::timestamptz, r.trace_context, null::int, null::int, null::jsonb, null::int
  from unnest(_outcomes.positions) with ordinality p(position, sequence)
  cross join lateral (
    select
      _outcomes.worker_ids[p.position] as worker_id,
      _outcomes.run_ids[p.position] as run_id,
      _outcomes.step_slugs[p.position] as step_slug,
      _outcomes.task_indexes[p.position] as task_index,
      _outcomes.attempts[p.position] as attempt
  ) g
  left join lateral (
    select l.flow_slug, l.trace_context from pgflow.runs l where l.run_id = g.run_id limit 1
  ) r on true
  left join lateral (
    select l.message_id
    from pgflow.step_tasks l
    where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
    limit 1
  ) t on true
  order by p.sequence;
end;
$$;

-- ---- schema/50_tasks/_outgrown.sql
-- Of steps (pairs, with their flows) all of whose tasks have completed: the positions of the maps ('<flow_slug>.<step_slug>')
-- whose outputs are too large to be one value, with how many bytes of JSON they take. What is stored compressed takes at
-- most 255 times as much.
create function pgflow._outgrown(
  flow_slugs text[], run_ids uuid[], step_slugs text[], map_steps text[], out positions bigint[], out sizes bigint[]
)
language plpgsql
as $$
declare
  c_most constant bigint := 104857600;
begin
  select array_agg(o.position order by o.position), array_agg(o.bytes order by o.position) into positions, sizes
  from (
    select p.position, (
      select sum(octet_length(t.output::text))::bigint
      from pgflow.step_tasks t
      where t.run_id = p.run_id and t.step_slug = p.step_slug
    ) as bytes
    from unnest(_outgrown.flow_slugs, _outgrown.run_ids, _outgrown.step_slugs)
      with ordinality p(flow_slug, run_id, step_slug, position)
    where p.flow_slug || '.' || p.step_slug = any(_outgrown.map_steps) and (
      select sum(pg_column_size(t.output))
      from pgflow.step_tasks t
      where t.run_id = p.run_id and t.step_slug = p.step_slug
    ) > c_most / 255
  ) o
  where o.bytes > c_most;
end;
$$;

-- ---- schema/50_tasks/_send_anew.sql
-- Sends new messages for queued tasks (keys) that have none, visible after delays[i] seconds (null: at once), in the
-- order given: they wait for nothing any more. Callers hold the runs.
create function pgflow._send_anew(run_ids uuid[], step_slugs text[], task_indexes int[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_flow_slugs text[] := pgflow._flows_of(run_ids);
  v_queue record;
  v_msg_ids bigint[];
  v_all bigint;  -- see 00_model/model.sql
begin
  for v_queue in
    select p.flow_slug, array_agg(p.run_id order by p.position) as run_ids,
      array_agg(p.step_slug order by p.position) as step_slugs,
      array_agg(p.task_index order by p.position) as task_indexes,
      array_agg(coalesce(p.delay, 0) order by p.position) as delays
    from unnest(v_flow_slugs, _send_anew.run_ids, _send_anew.step_slugs, _send_anew.task_indexes, _send_anew.delays)
      with ordinality p(flow_slug, run_id, step_slug, task_index, delay, position)
    group by p.flow_slug
    order by p.flow_slug
  loop
    execute format(
      $sql$
        with sent as (
          insert into pgmq.%I (vt, message)
          select
            clock_timestamp() + make_interval(secs => p.delay),
            jsonb_build_object(
              'flow_slug', $5, 'run_id', p.run_id, 'step_slug', p.step_slug, 'task_index', p.task_index
            )
          from unnest($1, $2, $3, $4) with ordinality p(run_id, step_slug, task_index, delay, position)
          order by p.position
          returning msg_id
        )
        select array_agg(s.msg_id order by s.msg_id) from sent s
      $sql$,
      pgflow._queue_table(v_queue.flow_slug, 'q')
    )
    into v_msg_ids
    using v_queue.run_ids, v_queue.step_slugs, v_queue.task_indexes, v_queue.delays, v_queue.flow_slug;

    update pgflow.step_tasks t
    set message_id = p.msg_id, waits_for = null
    from (
      select *
      from unnest(v_queue.run_ids, v_queue.step_slugs, v_queue.task_indexes, v_msg_ids)
        g(run_id, step_slug, task_index, msg_id)
      limit v_all
    ) p
    where t.run_id = p.run_id and t.step_slug = p.step_slug and t.task_index = p.task_index;
  end loop;
  perform pgflow._notify(v_flow_slugs, null);
end;
$$;

-- ---- schema/50_tasks/_send_back.sql
-- Gives message i of queue i back to its queue, visible after delays[i] seconds. It counts as unread then: what has
-- been read is delivered, and that is where recovery looks. One statement per flow.
create function pgflow._send_back(flow_slugs text[], msg_ids bigint[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_queue record;
begin
  for v_queue in
    select m.flow_slug, array_agg(m.msg_id order by m.msg_id) as ids,
      array_agg(m.delay order by m.msg_id) as delays
    from unnest(_send_back.flow_slugs, _send_back.msg_ids, _send_back.delays) m(flow_slug, msg_id, delay)
    where m.msg_id is not null
    group by m.flow_slug
    order by m.flow_slug
  loop
    execute format(
      $sql$
        update pgmq.%I q
        set vt = clock_timestamp() + make_interval(secs => m.delay), read_ct = 0
        from unnest($1, $2) m(msg_id, delay)
        where q.msg_id = m.msg_id
      $sql$,
      pgflow._queue_table(v_queue.flow_slug, 'q')
    ) using v_queue.ids, v_queue.delays;
  end loop;
end;
$$;

-- ---- schema/50_tasks/_settle_unstarted.sql
-- What becomes of messages of one queue that were read but whose tasks did not start: the message of a started
-- task moves to its stall deadline (else a dead worker's messages are read again and again), one whose task or
-- run has ended or does not exist is archived, any other stays hidden for visibility_timeout seconds.
create function pgflow._settle_unstarted(
  flow_slug text,
  msg_ids bigint[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  visibility_timeout int
)
returns void
language plpgsql
as $$
declare
  v_found record;
begin
  select
    array_agg(m.msg_id) filter (where m.vt_offset is null) as over_msg_ids,
    array_agg(m.msg_id) filter (where m.vt_offset is not null) as msg_ids,
    array_agg(m.vt_offset) filter (where m.vt_offset is not null) as vt_offsets
  into v_found
  from (
    select
      g.msg_id,
      case
        when t.run_id is null or r.status <> 'started' or s.status not in ('created', 'started')
          or t.status in ('completed', 'failed', 'cancelled') or t.permanently_stalled_at is not null
          then null
        when t.status = 'started' then greatest(
          ceil(extract(epoch from t.started_at - clock_timestamp()))::int
            + pgflow._seconds_allowed(p.flow, t.step_slug, t.started_at) + 30,
          _settle_unstarted.visibility_timeout
        )
        else _settle_unstarted.visibility_timeout
      end as vt_offset
    from unnest(
      _settle_unstarted.msg_ids, _settle_unstarted.run_ids,
      _settle_unstarted.step_slugs, _settle_unstarted.task_indexes
    ) g(msg_id, run_id, step_slug, task_index)
    left join lateral (
      select *
      from pgflow.step_tasks l
      where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      limit 1
    ) t on true
    left join lateral (select l.status from pgflow.runs l where l.run_id = t.run_id limit 1) r on true
    left join lateral (
      select l.status from pgflow.step_states l where l.run_id = t.run_id and l.step_slug = t.step_slug limit 1
    ) s on true
    left join lateral (
      select l from pgflow.prepared_flows l where l.flow_slug = t.flow_slug limit 1
    ) p(flow) on true
  ) m;

  if v_found.over_msg_ids is not null then
    perform 1 from pgmq.archive(_settle_unstarted.flow_slug, v_found.over_msg_ids);
  end if;
  if v_found.msg_ids is not null then
    perform 1 from pgflow.set_vt_batch(_settle_unstarted.flow_slug, v_found.msg_ids, v_found.vt_offsets);
  end if;
end;
$$;

-- ---- schema/50_tasks/_spawn_tasks.sql
-- Makes the tasks and messages of steps that have just been started (pairs with their flow, a worker and the
-- number of tasks; messages are sent in their order, those of tasks handed over first). Up to hand_over tasks of
-- steps without start_delay are born started, owned by the pair's worker, their messages already invisible: that
-- saves the claim; none of a paused flow. Returns the keys of those.
create function pgflow._spawn_tasks(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  task_counts int[],
  hand_over int,
  out handed_flow_slugs text[],
  out handed_run_ids uuid[],
  out handed_step_slugs text[],
  out handed_task_indexes int[]
)
language plpgsql
as $$
declare
  v_flow_slug text;
  v_slugs text[];        -- of the flow's steps, as the next two
  v_start_delays int[];
  v_vt_offsets int[];
  v_has_maps boolean;
  v_has_delays boolean;
  v_is_paused boolean;
  v_has_kinds boolean;
  v_run_ids uuid[];      -- of the flow's steps that start, later of their tasks, as the next three
  v_step_slugs text[];
  v_worker_ids uuid[];
  v_task_counts int[];
  v_task_indexes int[];
  v_elements jsonb[];
  v_left int := coalesce(hand_over, 0);
  v_eligible_count int;
  v_handed_count int;    -- the first so many tasks are handed over
  v_msg_ids bigint[];
  v_is_due boolean;      -- whether others are to be told of some
  v_notify text[];
begin
  foreach v_flow_slug in array pgflow._distinct(_spawn_tasks.flow_slugs) loop
    select p.step_slugs, p.start_delays, p.vt_offsets, p.has_maps, p.has_delays, p.is_paused, p.has_kinds
    into v_slugs, v_start_delays, v_vt_offsets, v_has_maps, v_has_delays, v_is_paused, v_has_kinds
    from pgflow.prepared_flows p
    where p.flow_slug = v_flow_slug;

    -- the flow's part, what may be handed over first
    v_run_ids := _spawn_tasks.run_ids;
    v_step_slugs := _spawn_tasks.step_slugs;
    v_worker_ids := _spawn_tasks.worker_ids;
    v_task_counts := _spawn_tasks.task_counts;
    v_eligible_count := null;  -- all of them
    if v_worker_ids is null then
      v_eligible_count := 0;
    end if;
    if v_has_delays or not v_flow_slug = all(_spawn_tasks.flow_slugs) or array_position(v_worker_ids, null) > 0 then
      select
        array_agg(p.run_id order by p.eligible desc, p.position),
        array_agg(p.step_slug order by p.eligible desc, p.position),
        array_agg(p.worker_id order by p.eligible desc, p.position),
        array_agg(p.task_count order by p.eligible desc, p.position),
        coalesce(sum(p.task_count) filter (where p.eligible), 0)
      into v_run_ids, v_step_slugs, v_worker_ids, v_task_counts, v_eligible_count
      from (
        select u.*,
          u.worker_id is not null and v_start_delays[array_position(v_slugs, u.step_slug)] = 0 as eligible
        from unnest(
          _spawn_tasks.flow_slugs, _spawn_tasks.run_ids, _spawn_tasks.step_slugs, _spawn_tasks.worker_ids,
          _spawn_tasks.task_counts
        ) with ordinality u(flow_slug, run_id, step_slug, worker_id, task_count, position)
        where u.flow_slug = v_flow_slug
      ) p;
    end if;

    if v_has_kinds then
      perform pgflow._set_loop_deadlines(v_run_ids, v_step_slugs);
    end if;

    -- from steps to tasks, with the elements of maps
    v_elements := null;
    if v_has_maps then
      v_elements := pgflow._elements(v_flow_slug, v_run_ids, v_step_slugs, v_task_counts);
    end if;
    v_task_indexes := array_fill(0, array[cardinality(v_run_ids)]);
    if not 1 = all(v_task_counts) then
      select array_agg(t.run_id), array_agg(t.step_slug), array_agg(t.worker_id), array_agg(t.task_index)
      into v_run_ids, v_step_slugs, v_worker_ids, v_task_indexes
      from (
        select p.run_id, p.step_slug, p.worker_id, generate_series(0, p.task_count - 1) as task_index
        from unnest(v_run_ids, v_step_slugs, v_worker_ids, v_task_counts)
          p(run_id, step_slug, worker_id, task_count)
      ) t;
    end if;
    v_handed_count := case
      when v_is_paused then 0
      else least(v_left, coalesce(v_eligible_count, cardinality(v_run_ids)), cardinality(v_run_ids))
    end;

    -- messages, then tasks, which hold their ids
    execute format('select pgflow.%I($1, $2, $3, $4, $5, $6, $7)', '_send:' || v_flow_slug)
    into v_msg_ids
    using v_run_ids, v_step_slugs, v_task_indexes, v_handed_count, v_slugs, v_vt_offsets, v_start_delays;

    insert into pgflow.step_tasks (
      flow_slug, run_id, step_slug, task_index, message_id, status, attempts_count, started_at,
      last_worker_id, element
    )
    select
      v_flow_slug, t.run_id, t.step_slug, t.task_index, t.message_id,
      case when t.position <= v_handed_count then 'started' else 'queued' end,
      case when t.position <= v_handed_count then 1 else 0 end,
      case when t.position <= v_handed_count then now() end,
      case when t.position <= v_handed_count then t.worker_id end,
      t.element
    from unnest(v_run_ids, v_step_slugs, v_task_indexes, v_msg_ids, v_worker_ids, v_elements)
      with ordinality t(run_id, step_slug, task_index, message_id, worker_id, element, position);

    -- what was handed over, and whether idle workers are to be told of the rest
    if v_handed_count > 0 then
      handed_flow_slugs := handed_flow_slugs || array_fill(v_flow_slug, array[v_handed_count]);
      handed_run_ids := handed_run_ids || v_run_ids[1:v_handed_count];
      handed_step_slugs := handed_step_slugs || v_step_slugs[1:v_handed_count];
      handed_task_indexes := handed_task_indexes || v_task_indexes[1:v_handed_count];
      v_left := v_left - v_handed_count;
    end if;
    if v_handed_count < cardinality(v_run_ids) then
      v_is_due := true;
      if v_has_delays then
        v_is_due := exists (
          select 1
          from unnest(v_step_slugs) with ordinality t(step_slug, position)
          where t.position > v_handed_count and v_start_delays[array_position(v_slugs, t.step_slug)] = 0
        );
      end if;
      if v_is_due then
        v_notify := v_notify || v_flow_slug;
      end if;
    end if;
  end loop;
  if v_notify is not null then
    perform pgflow._notify(v_notify, null);
  end if;
end;
$$;

-- ---- schema/50_tasks/_start_tasks.sql
-- Starts the tasks of messages of one flow that the caller owns (has locked); the task of a message is found by
-- the key in its body. Only queued tasks of started steps of started runs start, and none of a paused flow. Returns, in order, the keys of
-- those that did and how long their messages have to stay invisible.
create function pgflow._start_tasks(
  worker_id uuid,
  flow_slug text,
  msg_ids bigint[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  out started_msg_ids bigint[],
  out started_run_ids uuid[],
  out started_step_slugs text[],
  out started_task_indexes int[],
  out vt_offsets int[],
  out has_large_values boolean
)
language plpgsql
as $$
declare
  v_slugs text[];    -- of the flow's steps
  v_vt_offsets int[];  -- of the same
  v_is_paused boolean;
  v_all bigint;  -- see 00_model/model.sql
begin
  select p.step_slugs, p.vt_offsets, p.has_large_values, p.is_paused
  into v_slugs, v_vt_offsets, has_large_values, v_is_paused
  from pgflow.prepared_flows p
  where p.flow_slug = _start_tasks.flow_slug;
  if v_is_paused then
    return;
  end if;

  with started as (
    update pgflow.step_tasks t
    set status = 'started',
        started_at = greatest(now(), t.queued_at),
        attempts_count = t.attempts_count + 1,
        last_worker_id = _start_tasks.worker_id
    from (
      select g.*
      from unnest(
        _start_tasks.msg_ids, _start_tasks.run_ids, _start_tasks.step_slugs, _start_tasks.task_indexes
      ) with ordinality g(msg_id, run_id, step_slug, task_index, position)
      cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
      cross join lateral (
        select l.status
        from pgflow.step_states l
        where l.run_id = g.run_id and l.step_slug = g.step_slug
        limit 1
      ) s
      where r.status = 'started' and s.status = 'started'
      limit v_all
    ) m
    where t.run_id = m.run_id
      and t.step_slug = m.step_slug
      and t.task_index = m.task_index
      and t.flow_slug = _start_tasks.flow_slug
      and t.message_id = m.msg_id
      and t.status = 'queued'
    returning t.message_id, t.run_id, t.step_slug, t.task_index, m.position
  ),
  sorted as (
    select s.*, v_vt_offsets[array_position(v_slugs, s.step_slug)] as vt_offset
    from started s
    order by s.position
  )
  select
    array_agg(s.message_id), array_agg(s.run_id), array_agg(s.step_slug), array_agg(s.task_index),
    array_agg(s.vt_offset)
  into started_msg_ids, started_run_ids, started_step_slugs, started_task_indexes, vt_offsets
  from sorted s;
end;
$$;

-- ---- schema/50_tasks/_task_results.sql
-- What a worker needs to run these started tasks (keys with their flows), flow by flow, in the order given. Outputs of
-- dependencies are read from their step states by primary key, elements of maps from the task's own row.
-- flow_input_steps: '<flow_slug>.<step_slug>' of dependent steps and maps that want the run's input too.
create function pgflow._task_results(
  flow_slugs text[], run_ids uuid[], step_slugs text[], task_indexes int[], flow_input_steps text[]
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_flow_slug text;
  v_slugs text[];      -- of the flow's steps, as all that follow
  v_deps_counts int[];
  v_maps boolean[];
  v_array_slugs text[];
  v_timeouts int[];
  v_max_attempts int[];
begin
  foreach v_flow_slug in array pgflow._distinct(_task_results.flow_slugs) loop
    select p.step_slugs, p.deps_counts, p.maps, p.array_slugs, p.timeouts, p.max_attempts
    into v_slugs, v_deps_counts, v_maps, v_array_slugs, v_timeouts, v_max_attempts
    from pgflow.prepared_flows p
    where p.flow_slug = v_flow_slug;

    return query
    select
      'claimed'::text,
      t.flow_slug,
      t.run_id,
      t.step_slug,
      t.task_index,
      t.attempts_count,
      t.last_worker_id,
      t.message_id,
      case
        when v_maps[s.place] then coalesce(
          t.element,
          case
            when v_array_slugs[s.place] = '' then r.input -> t.task_index
            else (
              select ds.output -> t.task_index
              from pgflow.step_states ds
              where ds.run_id = t.run_id and ds.step_slug = v_array_slugs[s.place]
            )
          end
        )
        when v_deps_counts[s.place] = 0 then '{}'
        else (
          select coalesce(jsonb_object_agg(d.dep_slug, coalesce(ds.output, 'null')), '{}')
          from pgflow.deps d
          cross join lateral (
            select l.output
            from pgflow.step_states l
            where l.run_id = t.run_id and l.step_slug = d.dep_slug and l.status = 'completed'
            limit 1
          ) ds
          where d.flow_slug = t.flow_slug and d.step_slug = t.step_slug
        )
      end,
      case
        when v_deps_counts[s.place] = 0 and not v_maps[s.place]
          or v_flow_slug || '.' || k.step_slug = any(_task_results.flow_input_steps)
        then r.input
      end,
      v_timeouts[s.place],
      t.started_at,
      r.trace_context,
      null::int,
      v_max_attempts[s.place],
      t.state,
      t.round
    from unnest(
      _task_results.flow_slugs, _task_results.run_ids, _task_results.step_slugs, _task_results.task_indexes
    ) with ordinality k(flow_slug, run_id, step_slug, task_index, position)
    cross join lateral (
      select l.flow_slug, l.run_id, l.step_slug, l.task_index, l.attempts_count, l.last_worker_id, l.message_id,
        l.element, l.started_at, l.state, l.round
      from pgflow.step_tasks l
      where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
      limit 1
    ) t
    cross join lateral (
      select l.input, l.trace_context from pgflow.runs l where l.run_id = k.run_id limit 1
    ) r
    cross join lateral (select array_position(v_slugs, k.step_slug) as place) s
    where k.flow_slug = v_flow_slug
    order by k.position;
  end loop;
end;
$$;

-- ---- schema/50_tasks/_tolerate.sql
-- Completes started tasks (keys) whose last attempt has failed where when_exhausted is 'value': what takes the place of
-- their output says so. Callers hold the runs and have stored the errors with the tasks. A run that has ended meanwhile
-- takes its tasks with it.
create function pgflow._tolerate(run_ids uuid[], step_slugs text[], task_indexes int[], error_messages text[])
returns void
language plpgsql
as $$
declare
  v_count constant int := cardinality(run_ids);
  v_outputs jsonb[];
  v_all bigint;  -- see 00_model/model.sql
begin
  v_outputs := array(
    select jsonb_build_object('$failed', jsonb_build_object(
      'error', left(split_part(coalesce(p.error_message, ''), E'\n', 1), 500),
      'step', p.step_slug,
      'index', p.task_index,
      'attempts', t.attempts_count - t.forgiven_count
    ))
    from unnest(_tolerate.run_ids, _tolerate.step_slugs, _tolerate.task_indexes, _tolerate.error_messages)
      with ordinality p(run_id, step_slug, task_index, error_message, position)
    cross join lateral (
      select l.attempts_count, l.forgiven_count
      from pgflow.step_tasks l
      where l.run_id = p.run_id and l.step_slug = p.step_slug and l.task_index = p.task_index
      limit 1
    ) t
    order by p.position
  );
  perform 1 from pgflow._complete(
    array_fill(null::uuid, array[v_count]), _tolerate.run_ids, _tolerate.step_slugs, _tolerate.task_indexes,
    array_fill(null::int, array[v_count]), v_outputs, 0, '{}', false, true
  );

  update pgflow.step_tasks t
  set status = 'failed', failed_at = greatest(now(), t.started_at), is_tolerated = null
  from (
    select *
    from unnest(_tolerate.run_ids, _tolerate.step_slugs, _tolerate.task_indexes) g(run_id, step_slug, task_index)
    limit v_all
  ) p
  where t.run_id = p.run_id and t.step_slug = p.step_slug and t.task_index = p.task_index and t.status = 'started';
end;
$$;

-- ---- schema/50_tasks/_unstart.sql
-- Takes back the start of tasks (keys) that this transaction started: as if they had not been claimed. Their
-- messages are visible after so many seconds.
create function pgflow._unstart(run_ids uuid[], step_slugs text[], task_indexes int[], seconds int)
returns void
language plpgsql
as $$
declare
  v_open record;
begin
  with open as (
    update pgflow.step_tasks t
    set status = 'queued', started_at = null, attempts_count = t.attempts_count - 1
    from unnest(_unstart.run_ids, _unstart.step_slugs, _unstart.task_indexes) g(run_id, step_slug, task_index)
    where t.run_id = g.run_id and t.step_slug = g.step_slug and t.task_index = g.task_index
    returning t.flow_slug, t.message_id
  )
  select array_agg(o.flow_slug) as flow_slugs, array_agg(o.message_id) as msg_ids,
    array_agg(_unstart.seconds) as delays
  into v_open
  from open o;
  perform pgflow._send_back(v_open.flow_slugs, v_open.msg_ids, v_open.delays);
  if seconds = 0 then
    perform pgflow._notify(v_open.flow_slugs, null);
  end if;
end;
$$;

-- ---- schema/50_tasks/_why_refused.sql
-- Why a worker's result was refused, where its run or step is over: as the input of a stale task_result. Null:
-- the task has gone to another attempt, or is stored already.
create function pgflow._why_refused(run_id uuid, step_slug text)
returns jsonb
language plpgsql
stable
as $$
begin
  return (
    select case
      when r.status = 'failed' then to_jsonb('the run has failed'::text)
      when r.status = 'cancelled' then to_jsonb('the run was cancelled'::text)
      when s.status = 'skipped' then to_jsonb('the step was skipped'::text)
    end
    from pgflow.step_states s
    join pgflow.runs r on r.run_id = s.run_id
    where s.run_id = _why_refused.run_id and s.step_slug = _why_refused.step_slug
  );
end;
$$;

-- ---- schema/50_tasks/_why_undeliverable.sql
-- Words for a task whose input cannot be handed over: which step, how large, what to do.
create function pgflow._why_undeliverable(run_id uuid, step_slug text, reason text)
returns text
language plpgsql
as $$
declare
  v_output record;
  v_bytes bigint := 0;
  v_count int := 0;
begin
  for v_output in
    select s.output
    from pgflow.step_states l
    join pgflow.deps d on d.flow_slug = l.flow_slug and d.step_slug = l.step_slug
    join pgflow.step_states s on s.run_id = l.run_id and s.step_slug = d.dep_slug
    where l.run_id = _why_undeliverable.run_id and l.step_slug = _why_undeliverable.step_slug
  loop
    v_count := v_count + 1;
    begin
      v_bytes := v_bytes + coalesce(octet_length(v_output.output::text), 0);
    exception when others then
      v_bytes := v_bytes + pg_column_size(v_output.output);
    end;
  end loop;
  return format(
    'InputTooLarge: the input of step "%s" cannot be handed over: %s%s. Store large data elsewhere and hand over '
      || 'where it is.',
    _why_undeliverable.step_slug,
    case when v_count > 0 then format(
      'the outputs of its %s dependencies take %s bytes of JSON; ', v_count,
      trim(to_char(v_bytes, '999,999,999,999'))
    ) end,
    _why_undeliverable.reason
  );
end;
$$;

-- ---- schema/50_tasks/_with_attempt.sql
-- A task's attempt_errors with one more: [{"attempt", "at", "error"}], the first and the latest nine, their texts
-- cut. One that asked to run again says after how many seconds ("again_in"), and takes the place of one before it
-- that did: a task that polls leaves one entry.
create function pgflow._with_attempt(
  attempt_errors jsonb, attempt int, error_message text, again_in int
)
returns jsonb
language plpgsql
stable
as $$
declare
  v_errors jsonb := coalesce(_with_attempt.attempt_errors, '[]');
begin
  if _with_attempt.again_in is not null and v_errors -> -1 ? 'again_in' then
    v_errors := v_errors - (-1);
  end if;
  if jsonb_array_length(v_errors) >= 10 then
    v_errors := v_errors - 1;
  end if;
  return v_errors || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
    'attempt', _with_attempt.attempt,
    'at', now(),
    'error', left(_with_attempt.error_message, 2000),
    'again_in', _with_attempt.again_in
  )));
end;
$$;

-- ---- schema/50_tasks/again_tasks.sql
-- for: worker
-- Ends a round of many loops, whose handlers asked to be called again; element i counts only if its task is started by
-- worker i in attempt i. The state is what the next round receives; it begins after delays_ms[i] milliseconds, null: what
-- the step's "every" says. It is no failure, and attempts count afresh. Returns only what is out of the ordinary:
-- 'stale' (refused, nothing changed), 'failed', 'skipped' or 'tolerated' (that was the last round: when_exhausted), and up
-- to hand_over rows 'claimed': next rounds without delay, started for the same worker.
create function pgflow.again_tasks(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  states jsonb[],
  delays_ms bigint[] default null,
  hand_over int default 0,
  flow_input_steps text[] default '{}'
)
returns setof pgflow.task_result
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_hand_over int := again_tasks.hand_over;
begin
  perform pgflow._check_lengths(
    cardinality(again_tasks.run_ids),
    array['worker_ids', 'step_slugs', 'task_indexes', 'attempts', 'states', 'delays_ms'],
    array[
      cardinality(again_tasks.worker_ids), cardinality(again_tasks.step_slugs),
      cardinality(again_tasks.task_indexes), cardinality(again_tasks.attempts), cardinality(again_tasks.states),
      coalesce(cardinality(again_tasks.delays_ms), cardinality(again_tasks.run_ids))
    ]
  );
  if exists (
    select 1
    from pgflow.workers w
    where w.worker_id = any(again_tasks.worker_ids)
      and w.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
  ) then
    if not pgflow._note_life(again_tasks.worker_ids) then
      v_hand_over := 0;  -- its next claim tells it to register again
    end if;
  end if;
  return query select a.* from pgflow._again(
    again_tasks.worker_ids, again_tasks.run_ids, again_tasks.step_slugs, again_tasks.task_indexes,
    again_tasks.attempts, again_tasks.states, again_tasks.delays_ms, v_hand_over, again_tasks.flow_input_steps
  ) a;
end;
$$;

-- ---- schema/50_tasks/claim_tasks.sql
-- for: worker
-- Reads messages and starts their tasks in one call over all flows of a process: worker_ids[i] serves
-- flow_slugs[i]. At most max_tasks rows in all, shared fairly: every flow gets its part first, what some leave
-- goes to the others; the order is random, so that no flow starves when there is less than one task for each.
-- Stopped and deprecated workers get nothing.
-- Inputs larger than max_bytes bytes of JSON together (64 MB) are left for the next call, but one task is always
-- given. null: they are measured only where much is stored of them. A task whose input cannot be put together fails, the
-- others are given.
create function pgflow.claim_tasks(
  worker_ids uuid[],
  flow_slugs text[],
  max_tasks int,
  visibility_timeout int default 2,
  flow_input_steps text[] default '{}',
  max_bytes int default null
)
returns setof pgflow.task_result
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_after bigint[];
  v_open int[];
  v_still_open int[];
  v_left int := least(max_tasks, 1000000000);  -- quotas are sums of two
  v_index int;
  v_quota int;
  v_flows_left int;
  v_claimed record;
  v_claimed_flow_slugs text[];
  v_run_ids uuid[];
  v_step_slugs text[];
  v_task_indexes int[];
  v_has_large_values boolean := false;
begin
  if cardinality(claim_tasks.worker_ids) is distinct from cardinality(claim_tasks.flow_slugs) then
    raise exception 'worker_ids has % elements, flow_slugs has %',
      coalesce(cardinality(claim_tasks.worker_ids)::text, 'no'),
      coalesce(cardinality(claim_tasks.flow_slugs)::text, 'none')
      using errcode = 'PF005', hint = 'Pass one worker per flow.';
  end if;

  v_open := array[1];
  if cardinality(claim_tasks.worker_ids) <> 1 then
    v_open := array(
      select g.position from generate_series(1, cardinality(claim_tasks.worker_ids)) g(position) order by random()
    );
  end if;
  v_after := array_fill(0::bigint, array[cardinality(v_open)]);

  -- A second round only for queues that had more than their part.
  while coalesce(v_left, 0) > 0 and cardinality(v_open) > 0 loop
    v_flows_left := cardinality(v_open);
    v_still_open := '{}';
    foreach v_index in array v_open loop
      exit when v_left <= 0;
      v_quota := (v_left + v_flows_left - 1) / v_flows_left;  -- rounded up
      v_flows_left := v_flows_left - 1;
      v_claimed := pgflow._claim_from_queue(
        claim_tasks.worker_ids[v_index], claim_tasks.flow_slugs[v_index], v_quota, v_after[v_index],
        least(greatest(coalesce(visibility_timeout, 2), 0), 1000000000)
      );
      if v_claimed.run_ids is not null then
        v_claimed_flow_slugs := v_claimed_flow_slugs
          || array_fill(claim_tasks.flow_slugs[v_index], array[cardinality(v_claimed.run_ids)]);
        v_has_large_values := v_has_large_values or v_claimed.has_large_values;
      end if;
      v_run_ids := v_run_ids || v_claimed.run_ids;
      v_step_slugs := v_step_slugs || v_claimed.step_slugs;
      v_task_indexes := v_task_indexes || v_claimed.task_indexes;
      v_left := v_left - coalesce(cardinality(v_claimed.run_ids), 0);
      if v_claimed.message_count = v_quota then
        v_after[v_index] := v_claimed.last_msg_id;
        v_still_open := v_still_open || v_index;
      end if;
    end loop;
    v_open := v_still_open;
  end loop;

  if v_run_ids is null then
    return;
  end if;
  return query select t.* from pgflow._hand_out(
    v_claimed_flow_slugs, v_run_ids, v_step_slugs, v_task_indexes, claim_tasks.flow_input_steps,
    v_has_large_values, claim_tasks.max_bytes
  ) t;
end;
$$;

-- ---- schema/50_tasks/complete_tasks.sql
-- for: worker
-- Completes many tasks of many runs; element i counts only if its task is started by worker i in attempt i.
-- Returns only what is out of the ordinary: 'stale' (refused, nothing changed), 'failed' (type violation), and
-- up to hand_over rows 'claimed': tasks that became ready, started for the same worker.
create function pgflow.complete_tasks(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  hand_over int default 0,
  flow_input_steps text[] default '{}'
)
returns setof pgflow.task_result
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if (cardinality(complete_tasks.run_ids) = all(array[
    cardinality(complete_tasks.worker_ids), cardinality(complete_tasks.step_slugs),
    cardinality(complete_tasks.task_indexes), cardinality(complete_tasks.attempts),
    cardinality(complete_tasks.outputs)
  ])) is not true then
    perform pgflow._check_lengths(
      cardinality(complete_tasks.run_ids),
      array['worker_ids', 'step_slugs', 'task_indexes', 'attempts', 'outputs'],
      array[
        cardinality(complete_tasks.worker_ids), cardinality(complete_tasks.step_slugs),
        cardinality(complete_tasks.task_indexes), cardinality(complete_tasks.attempts),
        cardinality(complete_tasks.outputs)
      ]
    );
  end if;
  return query select c.* from pgflow._complete(
    complete_tasks.worker_ids, complete_tasks.run_ids, complete_tasks.step_slugs, complete_tasks.task_indexes,
    complete_tasks.attempts, complete_tasks.outputs, complete_tasks.hand_over, complete_tasks.flow_input_steps,
    true
  ) c;
end;
$$;

-- ---- schema/50_tasks/fail_tasks.sql
-- for: worker
-- Fails many tasks of many runs; element i counts only if its task is started by worker i in attempt i. One
-- row per element: 'retried' (with delay), 'failed', 'skipped', 'tolerated' (completed, and its output says that it failed),
-- or 'stale' (refused, nothing changed).
-- retryable[i] = false: exhausted at once. retry_after[i]: seconds instead of the formula, a year at most.
create function pgflow.fail_tasks(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  error_messages text[],
  retryable boolean[] default null,
  retry_after int[] default null
)
returns setof pgflow.task_result
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgflow._check_lengths(
    cardinality(fail_tasks.run_ids),
    array['worker_ids', 'step_slugs', 'task_indexes', 'attempts', 'error_messages', 'retryable', 'retry_after'],
    array[
      cardinality(fail_tasks.worker_ids), cardinality(fail_tasks.step_slugs),
      cardinality(fail_tasks.task_indexes), cardinality(fail_tasks.attempts),
      cardinality(fail_tasks.error_messages),
      coalesce(cardinality(fail_tasks.retryable), cardinality(fail_tasks.run_ids)),
      coalesce(cardinality(fail_tasks.retry_after), cardinality(fail_tasks.run_ids))
    ]
  );
  if exists (
    select 1
    from pgflow.workers w
    where w.worker_id = any(fail_tasks.worker_ids)
      and w.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
  ) then
    perform pgflow._note_life(fail_tasks.worker_ids);
  end if;
  return query select f.* from pgflow._fail(
    fail_tasks.worker_ids, fail_tasks.run_ids, fail_tasks.step_slugs, fail_tasks.task_indexes,
    fail_tasks.attempts, fail_tasks.error_messages, fail_tasks.retryable, fail_tasks.retry_after, true
  ) f;
end;
$$;

-- ---- schema/50_tasks/get_run_input.sql
-- for: worker, client
-- The input of a run; null for a run that does not exist.
create function pgflow.get_run_input(run_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_input jsonb;
begin
  select r.input into v_input from pgflow.runs r where r.run_id = get_run_input.run_id;
  if not found then
    raise exception 'Run not found: %', get_run_input.run_id using errcode = 'PF008';
  end if;
  return v_input;
end;
$$;

-- ---- schema/50_tasks/get_step_inputs.sql
-- for: worker
-- What the tasks of these maps (pairs) get beside their elements, once for all of them: the outputs of the other steps
-- that a map depends on, by slug, without those that were skipped. Pairs that are none are left out.
create function pgflow.get_step_inputs(run_ids uuid[], step_slugs text[])
returns table (run_id uuid, step_slug text, input jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select s.run_id, s.step_slug, (
    select coalesce(jsonb_object_agg(d.dep_slug, coalesce(ds.output, 'null')), '{}')
    from pgflow.deps d
    join pgflow.step_states ds on ds.run_id = s.run_id and ds.step_slug = d.dep_slug
    where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug and not d.is_array and ds.status = 'completed'
  )
  from unnest(get_step_inputs.run_ids, get_step_inputs.step_slugs) with ordinality p(run_id, step_slug, position)
  cross join lateral (
    select l.flow_slug, l.run_id, l.step_slug
    from pgflow.step_states l
    where l.run_id = p.run_id and l.step_slug = p.step_slug
    limit 1
  ) s
  order by p.position;
end;
$$;

-- ---- schema/50_tasks/locked_runs.sql
-- for: worker
-- Those of these runs that another transaction holds right now. A batch that had to wait for one of them too long
-- is reported without them.
create function pgflow.locked_runs(run_ids uuid[])
returns setof uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_free uuid[];
begin
  select array_agg(l.run_id) into v_free
  from (
    select r.run_id
    from pgflow.runs r
    where r.run_id = any(locked_runs.run_ids)
    order by r.run_id
    for no key update skip locked
  ) l;
  return query
  select r.run_id
  from pgflow.runs r
  where r.run_id = any(locked_runs.run_ids) and r.run_id <> all(coalesce(v_free, '{}'));
end;
$$;

-- ---- schema/50_tasks/release_tasks.sql
-- for: worker
-- Gives started tasks back to their queues, as if they had not been claimed: visible at once, attempt not
-- counted. Fenced as complete_tasks. Returns how many.
create function pgflow.release_tasks(
  worker_ids uuid[], run_ids uuid[], step_slugs text[], task_indexes int[], attempts int[]
)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_held boolean;  -- whether one of the runs is
  v_released record;
  v_all bigint;  -- see 00_model/model.sql
begin
  perform pgflow._check_lengths(
    cardinality(release_tasks.run_ids),
    array['worker_ids', 'step_slugs', 'task_indexes', 'attempts'],
    array[
      cardinality(release_tasks.worker_ids), cardinality(release_tasks.step_slugs),
      cardinality(release_tasks.task_indexes), cardinality(release_tasks.attempts)
    ]
  );
  select bool_or(l.held_at is not null) into v_is_held
  from (
    select r.held_at
    from pgflow.runs r
    where r.run_id = any(release_tasks.run_ids)
    order by r.run_id
    for no key update
  ) l;

  with released as (
    update pgflow.step_tasks t
    set status = 'queued', started_at = null, attempts_count = t.attempts_count - 1
    from (
      select u.*
      from unnest(
        release_tasks.worker_ids, release_tasks.run_ids, release_tasks.step_slugs,
        release_tasks.task_indexes, release_tasks.attempts
      ) u(worker_id, run_id, step_slug, task_index, attempt)
      cross join lateral (select l.status from pgflow.runs l where l.run_id = u.run_id limit 1) r
      cross join lateral (
        select l.status
        from pgflow.step_states l
        where l.run_id = u.run_id and l.step_slug = u.step_slug
        limit 1
      ) s
      where r.status = 'started' and s.status = 'started'
      limit v_all
    ) g
    where t.run_id = g.run_id
      and t.step_slug = g.step_slug
      and t.task_index = g.task_index
      and t.status = 'started'
      and t.last_worker_id = g.worker_id
      and t.attempts_count = g.attempt
    returning t.flow_slug, t.message_id
  )
  select array_agg(r.flow_slug) as flow_slugs, array_agg(r.message_id) as msg_ids,
    array_agg(0) as delays, count(*)::int as task_count
  into v_released
  from released r;

  perform pgflow._send_back(v_released.flow_slugs, v_released.msg_ids, v_released.delays);
  if v_released.task_count < cardinality(release_tasks.run_ids) then
    perform pgflow._note_late(
      release_tasks.worker_ids, release_tasks.run_ids, release_tasks.step_slugs, release_tasks.task_indexes,
      release_tasks.attempts, null, false, true
    );
  end if;
  if v_is_held then
    perform pgflow._keep_held(release_tasks.run_ids);
  end if;
  perform pgflow._notify(v_released.flow_slugs, null);
  return v_released.task_count;
end;
$$;

-- ---- schema/50_tasks/set_vt_batch.sql
-- for: pgflow
-- Columns are listed because pgmq's message record differs between its versions.
create function pgflow.set_vt_batch(queue_name text, msg_ids bigint[], vt_offsets int[])
returns table (
  msg_id bigint, read_ct int, enqueued_at timestamptz, vt timestamptz, message jsonb, headers jsonb
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if set_vt_batch.queue_name is null or set_vt_batch.msg_ids is null or set_vt_batch.vt_offsets is null then
    return;
  end if;
  if cardinality(set_vt_batch.msg_ids) <> cardinality(set_vt_batch.vt_offsets) then
    raise exception 'msg_ids length (%) must equal vt_offsets length (%)',
      cardinality(set_vt_batch.msg_ids), cardinality(set_vt_batch.vt_offsets);
  end if;
  if cardinality(set_vt_batch.msg_ids) = 0 then
    return;
  end if;
  return query execute format(
    $sql$
      update pgmq.%I q
      set vt = clock_timestamp() + make_interval(secs => o.vt_offset)
      from unnest($1, $2) o(msg_id, vt_offset)
      where q.msg_id = o.msg_id
      returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers
    $sql$,
    pgmq.format_table_name(set_vt_batch.queue_name, 'q')
  ) using set_vt_batch.msg_ids, set_vt_batch.vt_offsets;
end;
$$;

-- ---- schema/50_tasks/started_tasks.sql
-- for: worker
-- The tasks these workers hold by the database's account: after a lost connection a worker releases those of
-- them it has not heard of.
create function pgflow.started_tasks(worker_ids uuid[])
returns table (worker_id uuid, run_id uuid, step_slug text, task_index int, attempt int)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
begin
  for v_flow_slug in
    select distinct w.queue_name from pgflow.workers w where w.worker_id = any(started_tasks.worker_ids)
  loop
    return query
    select d.worker_id, d.run_id, d.step_slug, d.task_index, d.attempt
    from pgflow._delivered_tasks(v_flow_slug, null) d
    where d.worker_id = any(started_tasks.worker_ids);
  end loop;
end;
$$;

-- ---- schema/55_control/_asked_runs.sql
-- The runs a control function was asked for: each once, ascending, without nulls. More than a thousand are refused,
-- as all of a call's runs stay locked until it commits.
create function pgflow._asked_runs(run_ids uuid[])
returns uuid[]
language plpgsql
as $$
declare
  v_run_ids uuid[] := array(
    select distinct i.run_id from unnest(_asked_runs.run_ids) i(run_id) where i.run_id is not null order by i.run_id
  );
begin
  if cardinality(v_run_ids) > 1000 then
    raise exception '% runs are too many for one call', cardinality(v_run_ids)
      using errcode = 'PF011', hint = 'Pass at most 1,000 run ids a call, or call the function by filter.';
  end if;
  return v_run_ids;
end;
$$;

-- ---- schema/55_control/_cancel_asked.sql
-- cancel_runs; with the filter by which they were chosen, null: by their ids.
create function pgflow._cancel_asked(run_ids uuid[], reason text, actor text, filter jsonb)
returns table (run_id uuid, outcome text)
language plpgsql
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(_cancel_asked.run_ids);
  v_locked record;
  v_open uuid[];
  v_outcomes text[];
begin
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(l.run_id) into v_open
  from unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status)
  where l.status = 'started';
  if v_open is not null then
    perform pgflow._cancel_runs(v_open, _cancel_asked.reason);
  end if;

  v_outcomes := array(
    select case l.status when 'started' then 'cancelled' else coalesce('already_' || l.status, 'no_such_run') end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action(
      'cancel', _cancel_asked.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object(
        'reason', left(_cancel_asked.reason, 300), 'filter', pgflow._shown_filter(_cancel_asked.filter)
      )
    );
  end if;
  return query select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;

-- ---- schema/55_control/_cancel_runs.sql
-- Cancels started runs: what is open of them, their steps and their tasks. Open tasks of skipped steps stay as they
-- are. Callers hold the runs, and pass each once.
create function pgflow._cancel_runs(run_ids uuid[], reason text)
returns void
language plpgsql
as $$
declare
  v_busy_flow_slugs text[];
  v_all bigint;  -- see 00_model/model.sql
begin
  perform pgflow._note_under_way(_cancel_runs.run_ids);
  -- Messages before tasks: whoever claims has a message when it asks for the task's row.
  perform pgflow._archive_open_tasks(_cancel_runs.run_ids);

  with cancelled as (
    update pgflow.step_tasks t
    set status = 'cancelled', cancelled_at = greatest(now(), t.queued_at, t.started_at)
    from (
      select s.run_id, s.step_slug
      from unnest(_cancel_runs.run_ids) i(run_id)
      cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
      where s.status = 'started'
      limit v_all
    ) o
    where t.run_id = o.run_id and t.step_slug = o.step_slug and t.status in ('queued', 'started')
    returning t.flow_slug, t.started_at
  )
  select array_agg(distinct c.flow_slug) into v_busy_flow_slugs
  from cancelled c
  where c.started_at is not null;

  update pgflow.step_states s
  set status = 'cancelled', cancelled_at = greatest(now(), s.created_at, s.started_at)
  from (select i.run_id from unnest(_cancel_runs.run_ids) i(run_id) limit v_all) i
  where s.run_id = i.run_id and s.status in ('created', 'started');

  update pgflow.runs r
  set status = 'cancelled', cancelled_at = greatest(now(), r.started_at), cancel_reason = _cancel_runs.reason
  from (select i.run_id from unnest(_cancel_runs.run_ids) i(run_id) limit v_all) i
  where r.run_id = i.run_id;

  perform pgflow._send_events('run:cancelled', _cancel_runs.run_ids);
  perform pgflow._notify_control(v_busy_flow_slugs);
  perform pgflow._notify(null, _cancel_runs.run_ids);
  perform pgflow._note_ends(_cancel_runs.run_ids);
end;
$$;

-- ---- schema/55_control/_check_fork_input.sql
-- With another input the outputs of steps that read it cannot be taken over: refuses that, and names the steps. Where
-- it is not known whether a step reads the run's input, it does.
create function pgflow._check_fork_input(flow_slug text, reused_slugs text[])
returns void
language plpgsql
as $$
declare
  v_readers text[] := array(
    select st.step_slug
    from pgflow.steps st
    where st.flow_slug = _check_fork_input.flow_slug
      and st.step_slug = any(_check_fork_input.reused_slugs)
      and (
        case st.kind
          when 'signal' then false
          when 'pick' then true
          when 'sleep' then coalesce(st.options -> 'until' ->> 0 = 'flow_input', false)
          else coalesce((st.options ->> 'reads_input')::boolean, true)
        end
        or st.deps_count = 0 and pgflow._has_condition(st)
        or st.step_type = 'map' and not exists (
          select 1
          from pgflow.deps d
          where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug and d.is_array
        )
        or exists (
          select 1
          from jsonb_array_elements(
            jsonb_build_array(st.required_input_pattern, st.forbidden_input_pattern)
              || coalesce(st.options -> 'if_any', '[]') || coalesce(st.options -> 'if_not_any', '[]')
          ) p(pattern)
          where p.pattern ? 'flow_input'
        )
      )
    order by st.step_index
  );
begin
  if v_readers <> '{}' then
    raise exception 'With another input these steps cannot be taken over, as they may have read it: %',
      array_to_string(v_readers, ', ')
      using errcode = 'PF011', hint = 'Add them to from_steps, or fork with the same input.';
  end if;
end;
$$;

-- ---- schema/55_control/_check_fork_steps.sql
-- Refuses a fork from no step, or from one that the flow has not.
create function pgflow._check_fork_steps(flow_slug text, from_steps text[])
returns void
language plpgsql
as $$
declare
  v_unknown text;
begin
  if coalesce(cardinality(_check_fork_steps.from_steps), 0) = 0 then
    raise exception 'from_steps names no step'
      using errcode = 'PF011', hint = 'Name the steps that are to run again; what depends on them follows.';
  end if;
  select coalesce(g.step_slug, 'null') into v_unknown
  from unnest(_check_fork_steps.from_steps) g(step_slug)
  where not exists (
    select 1
    from pgflow.steps st
    where st.flow_slug = _check_fork_steps.flow_slug and st.step_slug = g.step_slug
  )
  limit 1;
  if found then
    raise exception 'Flow "%" has no step "%"', left(_check_fork_steps.flow_slug, 200), left(v_unknown, 200)
      using errcode = 'PF011', hint = format('Its steps are: %s.', (
        select coalesce(string_agg(st.step_slug, ', ' order by st.step_index), 'none')
        from pgflow.steps st
        where st.flow_slug = _check_fork_steps.flow_slug
      ));
  end if;
end;
$$;

-- ---- schema/55_control/_check_fork_undone.sql
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

-- ---- schema/55_control/_checked_filter.sql
-- A filter of runs without keys that are null, its statuses as an array. Refuses unknown keys, wrong values, and what
-- would read every run there is: texts and inputs are looked for in one flow and one time only.
create function pgflow._checked_filter(filter jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
  c_texts constant text[] := array[
    'flow', 'started_after', 'started_before', 'failed_step', 'error_contains', 'error_key'
  ];
  c_statuses constant text[] := array['started', 'completed', 'failed', 'cancelled'];
  v_filter jsonb;
  v_wrong text;
begin
  if jsonb_typeof(_checked_filter.filter) is distinct from 'object' then
    raise exception 'A filter of runs is an object, not %', coalesce(left(_checked_filter.filter::text, 100), 'null')
      using errcode = 'PF011', hint = 'Pass keys and what they must be: {"flow": "...", "status": "failed"}.';
  end if;
  select coalesce(jsonb_object_agg(e.key, e.value), '{}') into v_filter
  from jsonb_each(_checked_filter.filter) e
  where e.value <> 'null';

  select k.key into v_wrong
  from jsonb_object_keys(v_filter) k(key)
  where k.key <> all(c_texts || array['status', 'input_contains'])
  limit 1;
  if found then
    raise exception 'Runs cannot be chosen by "%"', left(v_wrong, 100)
      using errcode = 'PF011',
        hint = format('A filter has some of: %s.', array_to_string(c_texts || array['status', 'input_contains'], ', '));
  end if;
  select e.key into v_wrong
  from jsonb_each(v_filter) e
  where e.key = any(c_texts) and jsonb_typeof(e.value) <> 'string'
  limit 1;
  if found then
    raise exception '% must be a text, not %', v_wrong, left((v_filter -> v_wrong)::text, 100)
      using errcode = 'PF011', hint = 'Times are texts as 2026-03-01T12:30:00Z.';
  end if;

  if jsonb_typeof(v_filter -> 'status') = 'string' then
    v_filter := v_filter || jsonb_build_object('status', jsonb_build_array(v_filter -> 'status'));
  end if;
  if (v_filter ? 'status') and (
    jsonb_typeof(v_filter -> 'status') <> 'array' or not v_filter -> 'status' <@ to_jsonb(c_statuses)
  ) then
    raise exception 'status cannot be %', left((_checked_filter.filter -> 'status')::text, 100)
      using errcode = 'PF011', hint = format('It is one of %s, or a list of these.', array_to_string(c_statuses, ', '));
  end if;
  begin
    perform (v_filter ->> 'started_after')::timestamptz, (v_filter ->> 'started_before')::timestamptz;
  exception when data_exception then
    raise exception 'started_after or started_before is no time: %', left(sqlerrm, 200)
      using errcode = 'PF011', hint = 'Write it as 2026-03-01T12:30:00Z.';
  end;
  if v_filter ? 'flow' then
    perform pgflow._check_flows(array[v_filter ->> 'flow']);
  end if;
  if v_filter ?| array['error_contains', 'input_contains', 'error_key']
    and not v_filter ?& array['flow', 'started_after']
  then
    raise exception 'Texts and inputs are looked for in the runs of one flow and one time only'
      using errcode = 'PF011', hint = 'Give flow and started_after as well.';
  end if;
  return v_filter;
end;
$$;

-- ---- schema/55_control/_hold_asked.sql
-- hold_runs; with the filter by which they were chosen, null: by their ids.
create function pgflow._hold_asked(run_ids uuid[], actor text, filter jsonb)
returns table (run_id uuid, outcome text)
language plpgsql
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(_hold_asked.run_ids);
  v_locked record;
  v_held_before uuid[];
  v_hold uuid[];
  v_outcomes text[];
begin
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(r.run_id) filter (where r.held_at is not null),
    array_agg(r.run_id) filter (where r.held_at is null)
  into v_held_before, v_hold
  from pgflow.runs r
  where r.run_id = any(v_run_ids) and r.status = 'started';
  if v_hold is not null then
    update pgflow.runs r set held_at = now() where r.run_id = any(v_hold);
    perform pgflow._keep_held(v_hold);
    perform pgflow._notify_control(array(
      select distinct t.flow_slug from pgflow.step_tasks t where t.run_id = any(v_hold) and t.status = 'started'
    ));
    perform pgflow._notify(null, v_hold);
  end if;

  v_outcomes := array(
    select case
      when l.status is null then 'no_such_run'
      when l.status <> 'started' then 'already_' || l.status
      when i.run_id = any(v_held_before) then 'already_held'
      else 'held'
    end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action(
      'hold', _hold_asked.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object('filter', pgflow._shown_filter(_hold_asked.filter))
    );
  end if;
  return query select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;

-- ---- schema/55_control/_insert_fork.sql
-- Writes a fork's row and states: steps in reused_slugs as they ended in the run it is forked from, the others as if
-- they had never run. Returns false if a run with its id is there already.
create function pgflow._insert_fork(
  run_id uuid, from_run_id uuid, flow_slug text, input jsonb, reused_slugs text[]
)
returns boolean
language plpgsql
as $$
begin
  perform 1 from pgflow.prepared_flows p where p.flow_slug = _insert_fork.flow_slug for key share;  -- as a start
  insert into pgflow.runs (run_id, flow_slug, input, remaining_steps, has_origin)
  select
    _insert_fork.run_id, _insert_fork.flow_slug, _insert_fork.input,
    count(*) filter (where st.step_slug <> all(_insert_fork.reused_slugs)), true
  from pgflow.steps st
  where st.flow_slug = _insert_fork.flow_slug
  on conflict on constraint runs_pkey do nothing;
  if not found then
    return false;
  end if;
  insert into pgflow.origins (run_id, kind, from_run_id)
  values (_insert_fork.run_id, 'fork', _insert_fork.from_run_id);

  insert into pgflow.step_states (
    flow_slug, run_id, step_slug, status, remaining_tasks, initial_tasks, remaining_deps, output, error_message,
    skip_reason, started_at, completed_at, skipped_at, reused
  )
  select
    s.flow_slug, _insert_fork.run_id, s.step_slug, s.status, s.remaining_tasks, s.initial_tasks, s.remaining_deps,
    s.output, s.error_message, s.skip_reason, case when s.status = 'completed' then now() end,
    case when s.status = 'completed' then now() end, case when s.status = 'skipped' then now() end, true
  from pgflow.step_states s
  where s.run_id = _insert_fork.from_run_id and s.step_slug = any(_insert_fork.reused_slugs);

  insert into pgflow.step_states (flow_slug, run_id, step_slug, remaining_deps, initial_tasks)
  select
    st.flow_slug, _insert_fork.run_id, st.step_slug,
    (
      select count(*)
      from pgflow.deps d
      where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
        and d.dep_slug <> all(_insert_fork.reused_slugs)
    ),
    case
      when st.step_type <> 'map' then 1
      when a.array_slug is null then jsonb_array_length(_insert_fork.input)
      else (
        select case when s.status = 'skipped' then 0 else jsonb_array_length(s.output) end
        from pgflow.step_states s
        where s.run_id = _insert_fork.run_id and s.step_slug = a.array_slug
      )
    end
  from pgflow.steps st
  left join lateral (
    select d.dep_slug as array_slug
    from pgflow.deps d
    where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug and d.is_array
  ) a on true
  where st.flow_slug = _insert_fork.flow_slug and st.step_slug <> all(_insert_fork.reused_slugs);
  return true;
end;
$$;

-- ---- schema/55_control/_is_same_fork.sql
-- Whether a run of this id is there that was forked from the same run with the same input, and in which the same
-- steps were done again: then a call is repeated.
create function pgflow._is_same_fork(run_id uuid, from_run_id uuid, input jsonb, again_slugs text[])
returns boolean
language plpgsql
as $$
begin
  return exists (
    select 1
    from pgflow.origins o
    join pgflow.runs r on r.run_id = o.run_id
    where o.run_id = _is_same_fork.run_id
      and o.kind = 'fork'
      and o.from_run_id = _is_same_fork.from_run_id
      and r.input = _is_same_fork.input
      and not exists (
        select 1
        from pgflow.step_states s
        where s.run_id = o.run_id and s.reused and s.step_slug = any(_is_same_fork.again_slugs)
      )
  );
end;
$$;

-- ---- schema/55_control/_keep_held.sql
-- Takes the messages of the queued tasks of those of these runs that are held: they wait for the release, those that
-- are due in more than ten seconds for their time first. Whoever claims has a message when it asks for the task's row:
-- so messages are locked first, and tasks are judged after that. Callers hold the runs.
create function pgflow._keep_held(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
  v_open record;
  v_locked record;
  v_held record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(t.flow_slug order by t.message_id) as flow_slugs,
    array_agg(t.message_id order by t.message_id) as msg_ids,
    array_agg(t.run_id order by t.message_id) as run_ids,
    array_agg(t.step_slug order by t.message_id) as step_slugs,
    array_agg(t.task_index order by t.message_id) as task_indexes
  into v_open
  from unnest(_keep_held.run_ids) i(run_id)
  cross join lateral (select l.status, l.held_at from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
  cross join lateral (
    select * from pgflow.step_tasks l where l.run_id = s.run_id and l.step_slug = s.step_slug offset 0
  ) t
  where r.status = 'started' and r.held_at is not null and s.status = 'started'
    and t.status = 'queued' and t.message_id is not null;
  if v_open.msg_ids is null then
    return;
  end if;

  foreach v_flow_slug in array pgflow._distinct(v_open.flow_slugs) loop
    execute format(
      $sql$
        select array_agg(l.msg_id) as msg_ids, array_agg(l.vt) as vts, array_agg(l.run_id) as run_ids,
          array_agg(l.step_slug) as step_slugs, array_agg(l.task_index) as task_indexes
        from (
          select m.*, q.vt
          from (
            select *
            from unnest($1, $2, $3, $4, $5) u(flow_slug, msg_id, run_id, step_slug, task_index)
            where u.flow_slug = $6
            order by u.msg_id
          ) m
          cross join lateral (select k.vt from pgmq.%I k where k.msg_id = m.msg_id limit 1 for update) q
        ) l
      $sql$,
      pgflow._queue_table(v_flow_slug, 'q')
    )
    into v_locked
    using v_open.flow_slugs, v_open.msg_ids, v_open.run_ids, v_open.step_slugs, v_open.task_indexes, v_flow_slug;

    with held as (
      update pgflow.step_tasks t
      set message_id = null,
          waits_for = case when m.vt > clock_timestamp() + interval '10 seconds' then 'time' else 'hold' end
      from (
        select *
        from unnest(v_locked.msg_ids, v_locked.vts, v_locked.run_ids, v_locked.step_slugs, v_locked.task_indexes)
          u(msg_id, vt, run_id, step_slug, task_index)
        limit v_all
      ) m
      where t.run_id = m.run_id and t.step_slug = m.step_slug and t.task_index = m.task_index
        and t.message_id = m.msg_id and t.status = 'queued'
      returning t.flow_slug, t.run_id, t.step_slug, t.task_index, t.attempts_count, t.waits_for, m.vt, m.msg_id
    )
    select array_agg(h.flow_slug) as flow_slugs, array_agg(h.msg_id) as msg_ids,
      array_agg(h.flow_slug) filter (where h.waits_for = 'time') as wait_flow_slugs,
      array_agg(h.run_id) filter (where h.waits_for = 'time') as wait_run_ids,
      array_agg(h.step_slug) filter (where h.waits_for = 'time') as wait_step_slugs,
      array_agg(h.task_index) filter (where h.waits_for = 'time') as wait_task_indexes,
      array_agg(h.vt) filter (where h.waits_for = 'time') as wait_due_at,
      array_agg(jsonb_build_object('attempt', h.attempts_count)) filter (where h.waits_for = 'time') as wait_payloads
    into v_held
    from held h;

    perform pgflow._archive(v_held.flow_slugs, v_held.msg_ids);
    perform pgflow._set_timers(
      'wait', v_held.wait_due_at, v_held.wait_flow_slugs, v_held.wait_run_ids, v_held.wait_step_slugs,
      v_held.wait_task_indexes, v_held.wait_payloads
    );
  end loop;
end;
$$;

-- ---- schema/55_control/_lock_runs.sql
-- Locks those of these runs that exist, by id, and returns them with the status they have then. What the caller
-- reads in its next statement is what others have committed meanwhile.
create function pgflow._lock_runs(run_ids uuid[], out found_run_ids uuid[], out statuses text[])
language plpgsql
as $$
begin
  select array_agg(l.run_id), array_agg(l.status) into found_run_ids, statuses
  from (
    select r.run_id, r.status
    from pgflow.runs r
    where r.run_id = any(_lock_runs.run_ids)
    order by r.run_id
    for no key update
  ) l;
end;
$$;

-- ---- schema/55_control/_matching_runs.sql
-- A page of the runs that fit a filter and that an action (null: any) can be done to, by ascending ids from after_id
-- on: at most max_runs of them, 10,000 looked at, or three seconds long. last_id: where the next page goes on; null:
-- there is none. So each run is met at most once, however long it takes.
create function pgflow._matching_runs(
  filter jsonb, action text, after_id uuid, max_runs int, out run_ids uuid[], out last_id uuid
)
language plpgsql
as $$
declare
  c_most constant int := 10000;
  v_filter constant jsonb := pgflow._checked_filter(filter);
  v_flow_slug constant text := v_filter ->> 'flow';
  v_since constant timestamptz := coalesce((v_filter ->> 'started_after')::timestamptz, '-infinity');
  v_until constant timestamptz := coalesce((v_filter ->> 'started_before')::timestamptz, 'infinity');
  v_step_slug constant text := v_filter ->> 'failed_step';
  v_error constant text := lower(v_filter ->> 'error_contains');
  v_error_key constant text := v_filter ->> 'error_key';
  v_input constant jsonb := v_filter -> 'input_contains';
  v_from constant uuid := coalesce(after_id, '00000000-0000-0000-0000-000000000000');
  v_deadline constant timestamptz := clock_timestamp() + interval '3 seconds';
  v_statuses text[] := pgflow._statuses_for(action);
  v_window uuid[];
  v_cursor refcursor;
  v_run record;
  v_scanned int := 0;
begin
  if v_filter ? 'status' then
    v_statuses := array(
      select s.status from unnest(v_statuses) s(status) where v_filter -> 'status' ? s.status
    );
  end if;
  if v_flow_slug is not null and v_filter ? 'started_after' then
    v_window := array(
      select r.run_id
      from pgflow.runs r
      where r.flow_slug = v_flow_slug and r.started_at >= v_since and r.started_at < v_until
      limit c_most + 1
    );
  end if;

  if cardinality(v_window) <= c_most then
    open v_cursor for
      select r.* from pgflow.runs r where r.run_id = any(v_window) and r.run_id >= v_from order by r.run_id;
  elsif v_statuses <@ array['failed', 'cancelled'] then
    open v_cursor for
      select r.*
      from pgflow.runs r
      where (r.failed_at is not null or r.cancelled_at is not null) and r.run_id >= v_from
      order by r.run_id;
  else
    open v_cursor for select r.* from pgflow.runs r where r.run_id >= v_from order by r.run_id;
  end if;
  loop
    fetch v_cursor into v_run;
    exit when not found;
    v_scanned := v_scanned + 1;
    if v_run.status = any(v_statuses)
      and v_run.run_id is distinct from after_id
      and (v_flow_slug is null or v_run.flow_slug = v_flow_slug)
      and v_run.started_at >= v_since
      and v_run.started_at < v_until
      and (action is distinct from 'hold' or v_run.held_at is null)
      and (action is distinct from 'release' or v_run.held_at is not null)
      and (v_error is null or strpos(lower(v_run.error_message), v_error) > 0)
      and (v_error_key is null or coalesce(pgflow._error_key(v_run.error_message), '') = v_error_key)
      and (v_input is null or v_run.input @> v_input)
      and (v_step_slug is null or exists (
        select 1
        from pgflow.step_states s
        where s.run_id = v_run.run_id and s.step_slug = v_step_slug and s.status = 'failed'
      ))
    then
      run_ids := run_ids || v_run.run_id;
    end if;
    if cardinality(run_ids) >= max_runs or v_scanned > c_most or clock_timestamp() > v_deadline then
      last_id := v_run.run_id;
      exit;
    end if;
  end loop;
  close v_cursor;
end;
$$;

-- ---- schema/55_control/_note_action.sql
-- Writes a call of a control function to the trail: for which runs (and what became of each), or for which flow.
-- The trail keeps no payloads: whoever calls it has cut long texts in the arguments.
create function pgflow._note_action(
  action text, actor text, flow_slug text, run_ids uuid[], outcomes text[], arguments jsonb
)
returns void
language plpgsql
as $$
declare
  v_outcome jsonb;
begin
  select jsonb_object_agg(o.outcome, o.run_count) into v_outcome
  from (
    select u.outcome, count(*) as run_count from unnest(_note_action.outcomes) u(outcome) group by u.outcome
  ) o;

  insert into pgflow.actions (actor, action, flow_slug, run_ids, run_count, arguments, outcome)
  values (
    left(_note_action.actor, 200),
    _note_action.action,
    coalesce(
      _note_action.flow_slug,
      (
        select min(r.flow_slug)
        from pgflow.runs r
        where r.run_id = any(_note_action.run_ids)
        having min(r.flow_slug) = max(r.flow_slug)
      )
    ),
    coalesce(_note_action.run_ids[1:20], '{}'),
    coalesce(cardinality(_note_action.run_ids), 0),
    coalesce(jsonb_strip_nulls(_note_action.arguments), '{}'),
    coalesce(v_outcome, '{}')
  );
end;
$$;

-- ---- schema/55_control/_notify_control.sql
-- Tells workers of these flows that tasks they are at may count no more: a hint to look, which every worker listens
-- for. Equal ones of one transaction become one.
create function pgflow._notify_control(flow_slugs text[])
returns void
language plpgsql
as $$
begin
  perform pg_notify('pgflow_control', f.slug)
  from (select distinct u.slug from unnest(_notify_control.flow_slugs) u(slug) where u.slug is not null) f;
end;
$$;

-- ---- schema/55_control/_page_size.sql
-- How many runs a page has; null: as many as one may have.
create function pgflow._page_size(max_runs int)
returns int
language plpgsql
immutable
as $$
begin
  if max_runs not between 1 and 1000 then
    raise exception 'max_runs must be from 1 to 1,000, not %', max_runs
      using errcode = 'PF011', hint = 'Leave it out, and call again with last_id until that is null.';
  end if;
  return coalesce(max_runs, 1000);
end;
$$;

-- ---- schema/55_control/_release_asked.sql
-- release_runs; with the filter by which they were chosen, null: by their ids.
create function pgflow._release_asked(run_ids uuid[], spread double precision, actor text, filter jsonb)
returns table (run_id uuid, outcome text)
language plpgsql
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(_release_asked.run_ids);
  v_spread constant double precision := pgflow._spread(_release_asked.spread);
  v_locked record;
  v_held uuid[];
  v_outcomes text[];
begin
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(r.run_id order by r.run_id) into v_held
  from pgflow.runs r
  where r.run_id = any(v_run_ids) and r.status = 'started' and r.held_at is not null;
  if v_held is not null then
    perform pgflow._release_held(v_held, v_spread);
  end if;

  v_outcomes := array(
    select case
      when l.run_id is null then 'no_such_run'
      when i.run_id = any(v_held) then 'released'
      else 'not_held'
    end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids) l(run_id) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action(
      'release', _release_asked.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object('spread', nullif(v_spread, 0), 'filter', pgflow._shown_filter(_release_asked.filter))
    );
  end if;
  return query select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;

-- ---- schema/55_control/_release_held.sql
-- Releases held runs, each after a random part of spread seconds. Callers hold them.
create function pgflow._release_held(run_ids uuid[], spread double precision)
returns void
language plpgsql
as $$
declare
  v_tasks record;
begin
  update pgflow.runs r set held_at = null where r.run_id = any(_release_held.run_ids);

  select array_agg(t.run_id order by t.position, t.step_slug collate "C", t.task_index) as run_ids,
    array_agg(t.step_slug order by t.position, t.step_slug collate "C", t.task_index) as step_slugs,
    array_agg(t.task_index order by t.position, t.step_slug collate "C", t.task_index) as task_indexes,
    array_agg(t.delay order by t.position, t.step_slug collate "C", t.task_index) as delays
  into v_tasks
  from (
    select l.run_id, l.step_slug, l.task_index, i.position, i.delay
    from (
      select g.run_id, g.position, random() * _release_held.spread as delay
      from unnest(_release_held.run_ids) with ordinality g(run_id, position)
      offset 0
    ) i
    cross join lateral (select * from pgflow.step_states k where k.run_id = i.run_id offset 0) s
    cross join lateral (
      select * from pgflow.step_tasks k where k.run_id = s.run_id and k.step_slug = s.step_slug offset 0
    ) l
    where s.status = 'started' and l.status = 'queued' and l.waits_for = 'hold'
  ) t;
  if v_tasks.run_ids is not null then
    perform pgflow._send_anew(v_tasks.run_ids, v_tasks.step_slugs, v_tasks.task_indexes, v_tasks.delays);
  end if;
  perform pgflow._notify(null, _release_held.run_ids);
end;
$$;

-- ---- schema/55_control/_retry_asked.sql
-- retry_runs; with the filter by which they were chosen, null: by their ids.
create function pgflow._retry_asked(
  run_ids uuid[], spread double precision, options jsonb, actor text, filter jsonb
)
returns table (run_id uuid, outcome text, root_run_id uuid)
language plpgsql
as $$
declare
  v_run_ids constant uuid[] := pgflow._asked_runs(_retry_asked.run_ids);
  v_spread constant double precision := pgflow._spread(_retry_asked.spread);
  v_locked record;
  v_ended uuid[];
  v_unawaited record;
  v_companions record;
  v_left_behind uuid[];
  v_options jsonb;
  v_task_count bigint;
  v_outcomes text[];
begin
  v_options := pgflow._known_options('retry', _retry_asked.options, array['even_if_undone']);
  if v_options ? 'even_if_undone' and jsonb_typeof(v_options -> 'even_if_undone') <> 'boolean' then
    raise exception 'even_if_undone must be true or false, not %', left(v_options ->> 'even_if_undone', 100)
      using errcode = 'PF011', hint = 'Leave it out to retry runs only that were not undone.';
  end if;
  select * into v_locked from pgflow._lock_runs(v_run_ids);
  select array_agg(l.run_id) into v_ended
  from unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status)
  where l.status in ('failed', 'cancelled');
  select * into v_unawaited from pgflow._unawaited(v_ended);
  if v_unawaited.child_ids is not null then
    v_ended := array(select i.run_id from unnest(v_ended) i(run_id) where i.run_id <> all(v_unawaited.child_ids));
  end if;
  select c.busy_run_ids, case when not coalesce((v_options ->> 'even_if_undone')::boolean, false) then c.undone_run_ids end
    as undone_run_ids
  into v_companions
  from pgflow._companions_of(v_ended) c;
  if v_companions.busy_run_ids is not null or v_companions.undone_run_ids is not null then
    v_ended := array(
      select i.run_id
      from unnest(v_ended) i(run_id)
      where i.run_id <> all(coalesce(v_companions.busy_run_ids || v_companions.undone_run_ids, '{}'))
    );
  end if;
  v_left_behind := pgflow._undos_left_behind(v_ended);
  if v_left_behind is not null then
    v_ended := array(select i.run_id from unnest(v_ended) i(run_id) where i.run_id <> all(v_left_behind));
  end if;
  if cardinality(v_ended) > 0 then
    select sum(c.task_count) into v_task_count from unnest(pgflow._tasks_to_retry(v_ended)) c(task_count);
    if v_task_count > 50000 then
      raise exception '% tasks are too many to retry in one call', v_task_count
        using errcode = 'PF011', hint = 'Retry fewer runs a call; fork a run that has more than 50,000 tasks left.';
    end if;
    perform pgflow._retry_runs(v_ended, v_spread);
  end if;

  v_outcomes := array(
    select case
      when l.status is null then 'no_such_run'
      when l.status = 'started' then 'still_started'
      when l.status = 'completed' then 'already_completed'
      when i.run_id = any(v_unawaited.child_ids) then 'not_awaited'
      when i.run_id = any(v_companions.busy_run_ids) then 'companions_under_way'
      when i.run_id = any(v_companions.undone_run_ids) then 'was_undone'
      when i.run_id = any(v_left_behind) then 'left_behind'
      else 'retried'
    end
    from unnest(v_run_ids) with ordinality i(run_id, position)
    left join unnest(v_locked.found_run_ids, v_locked.statuses) l(run_id, status) on l.run_id = i.run_id
    order by i.position
  );
  if v_run_ids <> '{}' then
    perform pgflow._note_action(
      'retry', _retry_asked.actor, null, v_run_ids, v_outcomes,
      jsonb_build_object('spread', nullif(v_spread, 0), 'filter', pgflow._shown_filter(_retry_asked.filter))
    );
  end if;
  return query
  select i.run_id, i.outcome, v_unawaited.root_ids[array_position(v_unawaited.child_ids, i.run_id)]
  from unnest(v_run_ids, v_outcomes) i(run_id, outcome);
end;
$$;

-- ---- schema/55_control/_retry_runs.sql
-- Lets failed and cancelled runs go on where they ended: steps that failed or were cancelled start again with what is
-- left of their tasks, those that had not started are judged again. Run i goes on after a random part of spread
-- seconds. Callers hold the runs, and pass each once.
create function pgflow._retry_runs(run_ids uuid[], spread double precision)
returns void
language plpgsql
as $$
declare
  v_delays double precision[] := array(select random() * _retry_runs.spread from unnest(_retry_runs.run_ids));
  v_all bigint;  -- see 00_model/model.sql
begin
  update pgflow.step_states s
  set status = case when s.started_at is null then 'created' else 'started' end,
      remaining_tasks = case when s.started_at is not null then o.task_count end,
      failed_at = null,
      cancelled_at = null,
      error_message = null
  from (
    select l.run_id, l.step_slug, (
      select greatest(count(*), 1)::int  -- a step without a handler has no tasks, and one thing to wait for
      from pgflow.step_tasks t
      where t.run_id = l.run_id and t.step_slug = l.step_slug and t.status <> 'completed'
    ) as task_count
    from unnest(_retry_runs.run_ids) i(run_id)
    cross join lateral (select * from pgflow.step_states x where x.run_id = i.run_id offset 0) l
    where l.status in ('failed', 'cancelled', 'started')
    limit v_all
  ) o
  where s.run_id = o.run_id and s.step_slug = o.step_slug;

  update pgflow.runs r
  set status = 'started',
      failed_at = null,
      cancelled_at = null,
      error_message = null,
      cancel_reason = null,
      held_at = null,
      remaining_steps = o.step_count
  from (
    select i.run_id, (
      select count(*)::int
      from pgflow.step_states s
      where s.run_id = i.run_id and s.status not in ('completed', 'skipped')
    ) as step_count
    from unnest(_retry_runs.run_ids) i(run_id)
    limit v_all
  ) o
  where r.run_id = o.run_id;

  perform pgflow._send_events('run:retried', _retry_runs.run_ids);
  perform pgflow._drop_timers(_retry_runs.run_ids);
  delete from pgflow.late_results l
  where l.run_id = any(_retry_runs.run_ids) and l.reported_at is not null and not l.is_completed;
  delete from pgflow.ended_children e where e.run_id = any(_retry_runs.run_ids);  -- looked at anew below
  perform pgflow._set_run_timeouts(_retry_runs.run_ids, v_delays);
  perform pgflow._await_begins(_retry_runs.run_ids, v_delays);
  perform pgflow._note_signal_keys(_retry_runs.run_ids);
  perform pgflow._wait_again(_retry_runs.run_ids, v_delays);
  perform pgflow._set_loop_deadlines(_retry_runs.run_ids, null, v_delays);
  perform pgflow._retry_tasks(_retry_runs.run_ids, v_delays);
  perform pgflow._start_ready(_retry_runs.run_ids, v_delays);
  perform pgflow._notify(null, _retry_runs.run_ids);
end;
$$;

-- ---- schema/55_control/_retry_tasks.sql
-- Lets what is left of the started steps of these runs be done again, in run i after delays[i] seconds: rounds of loops,
-- which keep their state, and attempts count afresh, and go on being numbered, so that no late result of an old one can pass for a new one. A task whose attempt has
-- started a child takes up that child again, and the attempt counts. Callers hold the runs, of which no task has a message or a timer.
create function pgflow._retry_tasks(run_ids uuid[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_longest_hidden constant int := 10;  -- seconds; see _fail
  v_again record;
  v_all bigint;  -- see 00_model/model.sql
begin
  with again as (
    update pgflow.step_tasks t
    set status = 'queued',
        message_id = null,
        waits_for = case
          when o.has_children and pgflow._child_of(t) is not null then 'child'
          when o.delay > v_longest_hidden then 'time'
        end,
        queued_at = greatest(now(), t.queued_at),
        started_at = null,
        failed_at = null,
        cancelled_at = null,
        permanently_stalled_at = null,
        last_worker_id = null,
        error_message = null,
        output = null,
        killed_workers = null,
        is_tolerated = null,
        round = null,
        requeued_count = 0,
        forgiven_count = t.attempts_count - (o.has_children and pgflow._child_of(t) is not null)::int
    from (
      select s.run_id, s.step_slug, i.delay, i.position, exists (
        select 1
        from pgflow.steps st
        where st.flow_slug = s.flow_slug and st.step_slug = s.step_slug and st.kind = 'subflow'
      ) as has_children
      from unnest(_retry_tasks.run_ids, _retry_tasks.delays) with ordinality i(run_id, delay, position)
      cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
      where s.status = 'started'
      limit v_all
    ) o
    where t.run_id = o.run_id and t.step_slug = o.step_slug and t.status <> 'completed'
    returning t.flow_slug, t.run_id, t.step_slug, t.task_index, t.attempts_count, t.waits_for, o.delay, o.position
  ),
  sorted as (select * from again a order by a.position, a.step_slug collate "C", a.task_index)
  select
    array_agg(a.run_id) filter (where a.waits_for is null) as run_ids,
    array_agg(a.step_slug) filter (where a.waits_for is null) as step_slugs,
    array_agg(a.task_index) filter (where a.waits_for is null) as task_indexes,
    array_agg(a.delay) filter (where a.waits_for is null) as delays,
    array_agg(a.flow_slug) filter (where a.waits_for = 'time') as wait_flow_slugs,
    array_agg(a.run_id) filter (where a.waits_for = 'time') as wait_run_ids,
    array_agg(a.step_slug) filter (where a.waits_for = 'time') as wait_step_slugs,
    array_agg(a.task_index) filter (where a.waits_for = 'time') as wait_task_indexes,
    array_agg(clock_timestamp() + make_interval(secs => a.delay)) filter (where a.waits_for = 'time') as wait_due_at,
    array_agg(jsonb_build_object('attempt', a.attempts_count)) filter (where a.waits_for = 'time') as wait_payloads,
    array_agg(a.run_id) filter (where a.waits_for = 'child') as parent_ids,
    array_agg(a.step_slug) filter (where a.waits_for = 'child') as child_step_slugs,
    array_agg(a.task_index) filter (where a.waits_for = 'child') as child_indexes,
    array_agg(a.attempts_count) filter (where a.waits_for = 'child') as child_attempts
  into v_again
  from sorted a;

  if v_again.run_ids is not null then
    perform pgflow._send_anew(v_again.run_ids, v_again.step_slugs, v_again.task_indexes, v_again.delays);
  end if;
  perform pgflow._set_timers(
    'wait', v_again.wait_due_at, v_again.wait_flow_slugs, v_again.wait_run_ids, v_again.wait_step_slugs,
    v_again.wait_task_indexes, v_again.wait_payloads
  );
  if v_again.parent_ids is not null then
    perform pgflow._take_up_children(
      v_again.parent_ids, v_again.child_step_slugs, v_again.child_indexes, v_again.child_attempts, _retry_tasks.run_ids,
      _retry_tasks.delays
    );
  end if;
end;
$$;

-- ---- schema/55_control/_set_paused.sql
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

-- ---- schema/55_control/_shown_filter.sql
-- A filter as the trail keeps it: long texts are cut, and of an input only that it was asked for.
create function pgflow._shown_filter(filter jsonb)
returns jsonb
language plpgsql
immutable
as $$
begin
  return (
    select jsonb_object_agg(
      e.key,
      case
        when e.key = 'input_contains' then 'true'
        when jsonb_typeof(e.value) = 'string' then to_jsonb(left(e.value #>> '{}', 300))
        else e.value
      end
    )
    from jsonb_each(_shown_filter.filter) e
    where e.value <> 'null'
  );
end;
$$;

-- ---- schema/55_control/_spread.sql
-- Over how many seconds what goes on again is spread; null: none. Refuses what is no time of at most a year.
create function pgflow._spread(spread double precision)
returns double precision
language plpgsql
immutable
as $$
begin
  if (coalesce(_spread.spread, 0) between 0 and 31536000) is not true then
    raise exception 'spread must be a number of seconds from 0 to 31,536,000, not %', _spread.spread
      using errcode = 'PF011', hint = 'Leave it out, or give 0, for all at once.';
  end if;
  return coalesce(_spread.spread, 0);
end;
$$;

-- ---- schema/55_control/_start_ready.sql
-- Judges and starts what is ready in these started runs, but for those that have not begun, and ends those that have
-- nothing left. What it starts is visible delays[i] seconds later than else in run i. Callers hold the runs.
create function pgflow._start_ready(run_ids uuid[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_begun uuid[] := array(
    select r.run_id from pgflow.runs r where r.run_id = any(run_ids) and r.begins_at is null
  );
  v_ready record;
  v_started record;
  v_sent record;
begin
  select array_agg(r.run_id) as run_ids, array_agg(r.step_slug) as step_slugs into v_ready
  from (
    select s.run_id, s.step_slug
    from unnest(v_begun) i(run_id)
    cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
    where s.status = 'created' and s.remaining_deps = 0 and s.initial_tasks is not null
    order by s.run_id, s.step_slug collate "C"
  ) r;

  select s.* into v_started
  from pgflow._settle(v_ready.run_ids, v_ready.step_slugs) p
  cross join lateral pgflow._start_steps(p.start_run_ids, p.start_step_slugs) s;
  if v_started.started_run_ids is not null then
    perform pgflow._send_events('step:started', v_started.started_run_ids, v_started.started_step_slugs);
    perform pgflow._spawn_tasks(
      v_started.started_flow_slugs, v_started.started_run_ids, v_started.started_step_slugs, null,
      v_started.started_task_counts, 0
    );
    if 0 < any(delays) then
      select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids,
        array_agg(floor(i.delay)::int + coalesce(st.opt_start_delay, 0)) as delays
      into v_sent
      from unnest(v_started.started_run_ids, v_started.started_step_slugs) p(run_id, step_slug)
      cross join lateral (
        select * from pgflow.step_tasks l where l.run_id = p.run_id and l.step_slug = p.step_slug offset 0
      ) t
      join unnest(_start_ready.run_ids, _start_ready.delays) i(run_id, delay) on i.run_id = p.run_id
      join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug;
      perform pgflow._send_back(v_sent.flow_slugs, v_sent.msg_ids, v_sent.delays);
    end if;
  end if;
  perform pgflow._finish_runs(v_begun, false, true);
end;
$$;

-- ---- schema/55_control/_statuses_for.sql
-- The statuses of runs that an action (null: any) can be done to.
create function pgflow._statuses_for(action text)
returns text[]
language plpgsql
immutable
as $$
begin
  case
    when action is null then
      return array['started', 'completed', 'failed', 'cancelled'];
    when action in ('cancel', 'hold', 'release') then
      return array['started'];
    when action = 'retry' then
      return array['failed', 'cancelled'];
    else
      raise exception 'There is no action "%"', left(action, 100)
        using errcode = 'PF011', hint = 'It is one of cancel, retry, hold, release, or null for any run.';
  end case;
end;
$$;

-- ---- schema/55_control/_steps_behind.sql
-- These steps of a flow and all that depend on them, directly or not.
create function pgflow._steps_behind(flow_slug text, step_slugs text[])
returns text[]
language plpgsql
as $$
begin
  return array(
    with recursive behind(step_slug) as (
      select g.step_slug from unnest(_steps_behind.step_slugs) g(step_slug)
      union
      select d.step_slug
      from behind b
      join pgflow.deps d on d.flow_slug = _steps_behind.flow_slug and d.dep_slug = b.step_slug
    )
    select b.step_slug from behind b order by b.step_slug
  );
end;
$$;

-- ---- schema/55_control/_tasks_to_retry.sql
-- How many tasks each of these failed or cancelled runs has left to do, in their order.
create function pgflow._tasks_to_retry(run_ids uuid[])
returns int[]
language plpgsql
as $$
begin
  return array(
    select (
      select count(*)::int
      from pgflow.step_states s
      join pgflow.step_tasks t on t.run_id = s.run_id and t.step_slug = s.step_slug
      where s.run_id = i.run_id and s.status not in ('completed', 'skipped') and t.status <> 'completed'
    )
    from unnest(_tasks_to_retry.run_ids) with ordinality i(run_id, position)
    order by i.position
  );
end;
$$;

-- ---- schema/55_control/cancel_runs.sql
-- for: client, operator
-- Cancels runs for good, with their open steps and tasks; results that come later are stale. One row a run, in the
-- order of the ids: 'cancelled', 'already_completed', 'already_failed', 'already_cancelled' (nothing was changed) or
-- 'no_such_run'. actor: who the caller says it is, for the trail. At most 1,000 runs a call, else PF011.
create function pgflow.cancel_runs(run_ids uuid[], reason text default null, actor text default null)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select a.*
  from pgflow._cancel_asked(cancel_runs.run_ids, cancel_runs.reason, cancel_runs.actor, null) a;
end;
$$;

-- ---- schema/55_control/cancel_runs_where.sql
-- for: operator
-- cancel_runs for a page of the runs that fit a filter (see count_runs_where) and have not ended, by ascending ids
-- after after_id. changed: how many were cancelled; call again with last_id until that is null: each run is met at
-- most once.
create function pgflow.cancel_runs_where(
  filter jsonb,
  reason text default null,
  after_id uuid default null,
  max_runs int default 1000,
  actor text default null
)
returns table (changed int, last_id uuid)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- the order of an index, whatever the statistics say
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_run_ids uuid[];
begin
  select m.run_ids, m.last_id into v_run_ids, last_id
  from pgflow._matching_runs(
    cancel_runs_where.filter, 'cancel', cancel_runs_where.after_id, pgflow._page_size(cancel_runs_where.max_runs)
  ) m;
  select count(*) into changed
  from pgflow._cancel_asked(
    v_run_ids, cancel_runs_where.reason, cancel_runs_where.actor, cancel_runs_where.filter
  ) a
  where a.outcome = 'cancelled';
  return next;
end;
$$;

-- ---- schema/55_control/count_runs_where.sql
-- for: operator
-- How many runs fit a filter; with an action (cancel, retry, hold, release) only those that it can be done to. A filter
-- is an object with some of: flow, status (one or a list), started_after (the moment itself too), started_before,
-- failed_step, error_contains (whatever its case), input_contains (JSON, as @>), error_key (of pgflow.group_failures);
-- the last three need flow and started_after. Raises PF011 for any other filter, and after half a minute.
create function pgflow.count_runs_where(filter jsonb, action text default null)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- the order of an index, whatever the statistics say
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_page record;
  v_after_id uuid;
  v_count bigint := 0;
  v_deadline constant timestamptz := clock_timestamp() + interval '30 seconds';
begin
  loop
    select * into v_page
    from pgflow._matching_runs(count_runs_where.filter, count_runs_where.action, v_after_id, 10000);
    v_count := v_count + coalesce(cardinality(v_page.run_ids), 0);
    v_after_id := v_page.last_id;
    exit when v_after_id is null;
    if clock_timestamp() > v_deadline then
      raise exception 'Counting these runs takes more than 30 seconds'
        using errcode = 'PF011', hint = 'Choose fewer: give a flow and times.';
    end if;
  end loop;
  return v_count;
end;
$$;

-- ---- schema/55_control/fork_run.sql
-- for: operator
-- Starts a new run of the same flow that does from_steps, and what depends on them, again: of all others it takes over
-- those that have completed or were skipped, marked as reused. It is refused if what one of these did is undone, and
-- with another input (null: the same) if one of these may have read it. The run may still be going on. Returns the new
-- run's id; a call that is repeated with its new_run_id finds it, any other run of that id raises PF002. Raises PF008
-- for an unknown run, PF011 for an unknown step.
create function pgflow.fork_run(
  run_id uuid, from_steps text[], input jsonb default null, new_run_id uuid default null, actor text default null
)
returns uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
  v_old_input jsonb;
  v_input jsonb;
  v_again text[];
  v_reused text[];
  v_run_id uuid := coalesce(new_run_id, pgflow._new_run_id());
begin
  select r.flow_slug, r.input into v_flow_slug, v_old_input
  from pgflow.runs r
  where r.run_id = fork_run.run_id
  for no key update;
  if not found then
    raise exception 'Run not found: %', fork_run.run_id using errcode = 'PF008';
  end if;
  if exists (
    select 1 from pgflow.prepared_flows p where p.flow_slug = v_flow_slug and p.companion_of is not null
  ) then
    raise exception 'Run % is of flow "%", which is started by the core when another run has ended', fork_run.run_id,
      v_flow_slug
      using errcode = 'PF011', hint = 'Retry it in place if it has failed.';
  end if;
  perform pgflow._check_fork_steps(v_flow_slug, fork_run.from_steps);

  v_input := coalesce(fork_run.input, v_old_input);
  v_again := pgflow._steps_behind(v_flow_slug, fork_run.from_steps);
  if pgflow._is_same_fork(v_run_id, fork_run.run_id, v_input, v_again) then
    return v_run_id;
  end if;
  v_reused := array(
    select s.step_slug
    from pgflow.step_states s
    where s.run_id = fork_run.run_id and s.status in ('completed', 'skipped') and s.step_slug <> all(v_again)
  );
  perform pgflow._check_fork_undone(fork_run.run_id, v_reused);
  if v_input <> v_old_input then
    perform pgflow._check_fork_input(v_flow_slug, v_reused);
    if exists (select 1 from pgflow.prepared_flows p where p.flow_slug = v_flow_slug and p.has_root_maps) then
      perform pgflow._check_array_input(v_flow_slug, v_input);
    end if;
    if pg_column_size(v_input) > 65536 then
      perform pgflow._note_large_values(array[v_flow_slug]);
    end if;
  end if;

  if not pgflow._insert_fork(v_run_id, fork_run.run_id, v_flow_slug, v_input, v_reused) then
    raise exception 'Run % exists already, and is no such fork', v_run_id
      using errcode = 'PF002', hint = 'Use a new run id, or leave it out.';
  end if;
  perform pgflow._note_signal_keys(array[v_run_id]);
  perform pgflow._send_events('run:started', array[v_run_id]);
  perform pgflow._set_run_timeouts(array[v_run_id]);
  perform pgflow._start_ready(array[v_run_id], array[0::double precision]);
  perform pgflow._notify(null, array[v_run_id]);
  perform pgflow._note_action(
    'fork', fork_run.actor, v_flow_slug, array[fork_run.run_id, v_run_id], array['forked'],
    jsonb_build_object(
      'from_steps', array(select distinct g.slug from unnest(fork_run.from_steps) g(slug) order by g.slug),
      'new_input', case when v_input <> v_old_input then true end
    )
  );
  return v_run_id;
end;
$$;

-- ---- schema/55_control/hold_runs.sql
-- for: operator
-- Holds started runs: what workers are at goes on and counts, nothing else of them is begun until they are released;
-- their time-outs go on. One row a run, in the order of the ids: 'held', 'already_held', 'already_completed',
-- 'already_failed', 'already_cancelled' (nothing was changed) or 'no_such_run'. At most 1,000 runs a call, else PF011.
create function pgflow.hold_runs(run_ids uuid[], actor text default null)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select a.* from pgflow._hold_asked(hold_runs.run_ids, hold_runs.actor, null) a;
end;
$$;

-- ---- schema/55_control/hold_runs_where.sql
-- for: operator
-- hold_runs for a page of the started runs that fit a filter (see count_runs_where) and are not held, by ascending ids
-- after after_id. changed: how many are held now; call again with last_id until that is null: each run is met at most
-- once.
create function pgflow.hold_runs_where(
  filter jsonb,
  after_id uuid default null,
  max_runs int default 1000,
  actor text default null
)
returns table (changed int, last_id uuid)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- the order of an index, whatever the statistics say
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_run_ids uuid[];
begin
  select m.run_ids, m.last_id into v_run_ids, last_id
  from pgflow._matching_runs(
    hold_runs_where.filter, 'hold', hold_runs_where.after_id, pgflow._page_size(hold_runs_where.max_runs)
  ) m;
  select count(*) into changed
  from pgflow._hold_asked(v_run_ids, hold_runs_where.actor, hold_runs_where.filter) a
  where a.outcome = 'held';
  return next;
end;
$$;

-- ---- schema/55_control/pause_flow.sql
-- for: operator
-- Pauses a flow: runs start, timers and schedules go on, what workers are at counts, but no task of it is begun until
-- it is resumed. Returns whether that changed anything. Raises PF001 for an unknown flow.
create function pgflow.pause_flow(flow_slug text, actor text default null)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return pgflow._set_paused(pause_flow.flow_slug, true, pause_flow.actor);
end;
$$;

-- ---- schema/55_control/release_runs.sql
-- for: operator
-- Lets held runs go on: what waited for that is sent anew, each run's after a random part of spread seconds, against
-- a storm. One row a run, in the order of the ids: 'released', 'not_held' (nothing was changed) or 'no_such_run'. At
-- most 1,000 runs a call, else PF011.
create function pgflow.release_runs(run_ids uuid[], spread double precision default 0, actor text default null)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select a.*
  from pgflow._release_asked(release_runs.run_ids, release_runs.spread, release_runs.actor, null) a;
end;
$$;

-- ---- schema/55_control/release_runs_where.sql
-- for: operator
-- release_runs for a page of the held runs that fit a filter (see count_runs_where), by ascending ids after after_id.
-- changed: how many were released; call again with last_id until that is null: each run is met at most once.
create function pgflow.release_runs_where(
  filter jsonb,
  spread double precision default 0,
  after_id uuid default null,
  max_runs int default 1000,
  actor text default null
)
returns table (changed int, last_id uuid)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- the order of an index, whatever the statistics say
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_run_ids uuid[];
begin
  select m.run_ids, m.last_id into v_run_ids, last_id
  from pgflow._matching_runs(
    release_runs_where.filter, 'release', release_runs_where.after_id, pgflow._page_size(release_runs_where.max_runs)
  ) m;
  select count(*) into changed
  from pgflow._release_asked(
    v_run_ids, release_runs_where.spread, release_runs_where.actor, release_runs_where.filter
  ) a
  where a.outcome = 'released';
  return next;
end;
$$;

-- ---- schema/55_control/resume_flow.sql
-- for: operator
-- Ends what pause_flow began. Returns whether that changed anything. Raises PF001 for an unknown flow.
create function pgflow.resume_flow(flow_slug text, actor text default null)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return pgflow._set_paused(resume_flow.flow_slug, false, resume_flow.actor);
end;
$$;

-- ---- schema/55_control/retry_runs.sql
-- for: operator
-- Lets failed and cancelled runs go on in place: what had completed keeps its output, all else is done again, with its
-- attempts counted afresh; each run after a random part of spread seconds, against a storm. One row a run, in the
-- order of the ids: 'retried', 'still_started', 'already_completed' (nothing was changed), 'no_such_run', or 'not_awaited': a
-- child whose parent does not wait for it; root_run_id is the run to retry instead. A task whose child failed or was
-- cancelled takes that child up again, which is retried in place. 'companions_under_way': its undo or its ends
-- are not over; 'was_undone': what it had done has been undone. options: {"even_if_undone": true} retries it all the same,
-- without what was undone being done again. 'left_behind': an undo whose run has been retried since. At most 1,000 runs with 50,000 tasks left a call, else PF011.
create function pgflow.retry_runs(
  run_ids uuid[], spread double precision default 0, options jsonb default '{}', actor text default null
)
returns table (run_id uuid, outcome text, root_run_id uuid)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select a.*
  from pgflow._retry_asked(
    retry_runs.run_ids, retry_runs.spread, retry_runs.options, retry_runs.actor, null
  ) a;
end;
$$;

-- ---- schema/55_control/retry_runs_where.sql
-- for: operator
-- retry_runs for a page of the failed and cancelled runs that fit a filter (see count_runs_where), by ascending ids
-- after after_id. changed: how many were retried; call again with last_id until that is null: each run is met at most
-- once. One with more than 50,000 tasks left is passed over; the trail says so.
create function pgflow.retry_runs_where(
  filter jsonb,
  spread double precision default 0,
  after_id uuid default null,
  max_runs int default 1000,
  actor text default null
)
returns table (changed int, last_id uuid)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- the order of an index, whatever the statistics say
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_run_ids uuid[];
  v_fitting int;
begin
  select m.run_ids, m.last_id into v_run_ids, last_id
  from pgflow._matching_runs(
    retry_runs_where.filter, 'retry', retry_runs_where.after_id, pgflow._page_size(retry_runs_where.max_runs)
  ) m;

  select count(*) filter (where t.total <= 50000) into v_fitting
  from (
    select sum(c.task_count) over (order by c.position) as total
    from unnest(pgflow._tasks_to_retry(v_run_ids)) with ordinality c(task_count, position)
  ) t;
  if v_fitting < cardinality(v_run_ids) then
    last_id := v_run_ids[greatest(v_fitting, 1)];
    if v_fitting = 0 then
      changed := 0;
      perform pgflow._note_action(
        'retry', retry_runs_where.actor, null, v_run_ids[1:1], array['too_many_tasks'],
        jsonb_build_object('filter', pgflow._shown_filter(retry_runs_where.filter))
      );
      return next;
      return;
    end if;
    v_run_ids := v_run_ids[1:v_fitting];
  end if;
  select count(*) into changed
  from pgflow._retry_asked(
    v_run_ids, retry_runs_where.spread, '{}', retry_runs_where.actor, retry_runs_where.filter
  ) a
  where a.outcome = 'retried';
  return next;
end;
$$;

-- ---- schema/56_timers/_drop_timers.sql
-- Removes what is to happen to whole runs (step_slugs is null) or to the tasks of some steps (pairs): timers, and by which
-- others find them to send a signal. Children that nobody waits for are cancelled all the same. Callers hold the runs.
create function pgflow._drop_timers(run_ids uuid[], step_slugs text[] default null)
returns void
language plpgsql
as $$
begin
  if step_slugs is null then
    delete from pgflow.timers t where t.run_id = any(_drop_timers.run_ids) and t.kind <> 'cancel_children';
    delete from pgflow.waiting_signals w where w.run_id = any(_drop_timers.run_ids);
    delete from pgflow.signal_keys k where k.run_id = any(_drop_timers.run_ids);
  else
    delete from pgflow.timers t
    using unnest(_drop_timers.run_ids, _drop_timers.step_slugs) p(run_id, step_slug)
    where t.run_id = p.run_id and t.step_slug = p.step_slug and t.kind <> 'cancel_children';
    delete from pgflow.waiting_signals w
    using unnest(_drop_timers.run_ids, _drop_timers.step_slugs) p(run_id, step_slug)
    where w.run_id = p.run_id and w.step_slug = p.step_slug;
  end if;
end;
$$;

-- ---- schema/56_timers/_due_timers.sql
-- The first timers that are due, read without locks, at most max_count, those of schedules apart; is_whole: whether it looked below the floor
-- too, as is done every 30 seconds, and after the server's clock was set back.
create function pgflow._due_timers(
  max_count int, out timer_ids bigint[], out run_ids uuid[], out schedule_ids bigint[], out is_whole boolean
)
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp();  -- a variable, so that the index is read up to here and no further
  v_floor record;
begin
  select f.due_at, f.looked_at into v_floor from pgflow.timer_floor f where f.is_only;
  is_whole := coalesce(v_floor.looked_at not between v_now - interval '30 seconds' and v_now, false);

  select array_agg(d.timer_id) filter (where d.run_id is not null),
    array_agg(distinct d.run_id) filter (where d.run_id is not null),
    array_agg(d.timer_id) filter (where d.run_id is null)
  into timer_ids, run_ids, schedule_ids
  from (
    select t.timer_id, t.run_id
    from pgflow.timers t
    where t.due_at >= case when is_whole or v_floor.due_at is null then '-infinity' else v_floor.due_at end
      and t.due_at <= v_now
      and (t.tried_at is null or t.tried_at < v_now - interval '200 milliseconds')
    order by t.due_at, t.timer_id
    limit _due_timers.max_count
  ) d;
end;
$$;

-- ---- schema/56_timers/_fire.sql
-- Fires timers of one kind, or hands over children that have ended ('ended'), all or nothing, and removes them. Callers hold
-- their runs and the timers.
create function pgflow._fire(kind text, timer_ids bigint[])
returns void
language plpgsql
as $$
begin
  if _fire.kind = 'ended' then
    perform pgflow._fire_ended_children(_fire.timer_ids);
    return;
  end if;
  case _fire.kind
    when 'run_timeout' then perform pgflow._fire_run_timeouts(_fire.timer_ids);
    when 'wait' then perform pgflow._fire_waits(_fire.timer_ids);
    when 'sleep' then perform pgflow._fire_sleeps(_fire.timer_ids);
    when 'deadline' then
      perform pgflow._fire_deadlines(_fire.timer_ids);
      perform pgflow._fire_loop_deadlines(_fire.timer_ids);
    when 'begin' then perform pgflow._fire_begins(_fire.timer_ids);
    when 'companions' then perform pgflow._fire_companions(_fire.timer_ids);
    else perform pgflow._fire_children_timers(_fire.kind, _fire.timer_ids);
  end case;
  delete from pgflow.timers t where t.timer_id = any(_fire.timer_ids);
end;
$$;

-- ---- schema/56_timers/_fire_begins.sql
-- Begins the runs of these timers, as a start does: conditions are judged, time-outs count from now on.
create function pgflow._fire_begins(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_all bigint;  -- see 00_model/model.sql
begin
  with begun as (
    update pgflow.runs r
    set begins_at = null, started_at = greatest(now(), r.started_at)
    from (select t.run_id from pgflow.timers t where t.timer_id = any(timer_ids) limit v_all) d
    where r.run_id = d.run_id and r.status = 'started' and r.begins_at is not null
    returning r.run_id
  )
  select array_agg(b.run_id order by b.run_id) into v_run_ids from begun b;
  if v_run_ids is null then
    return;
  end if;
  perform pgflow._send_events('run:started', v_run_ids);
  perform pgflow._set_run_timeouts(v_run_ids);
  perform pgflow._start_ready(v_run_ids, array_fill(0::double precision, array[cardinality(v_run_ids)]));
  perform pgflow._keep_held(v_run_ids);
  perform pgflow._notify(null, v_run_ids);
end;
$$;

-- ---- schema/56_timers/_fire_deadlines.sql
-- Ends the signal steps of these timers that nobody has answered, as their when_exhausted says.
create function pgflow._fire_deadlines(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_late record;
  v_messages text[];
  v_skipped record;
begin
  select * into v_late from pgflow._waiting_for(timer_ids);
  if v_late.run_ids is null then
    return;
  end if;
  v_messages := array(
    select format('timed out after %s s', st.options ->> 'deadline')
    from unnest(v_late.run_ids, v_late.step_slugs) with ordinality p(run_id, step_slug, position)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = p.run_id limit 1) r
    cross join lateral (
      select l.options from pgflow.steps l where l.flow_slug = r.flow_slug and l.step_slug = p.step_slug limit 1
    ) st
    order by p.position
  );
  select * into v_skipped
  from pgflow._exhaust_waits(v_late.run_ids, v_late.step_slugs, 'timed_out', v_messages);
  if v_skipped.skip_run_ids is not null then
    perform pgflow._advance(
      v_skipped.plain_flow_slugs, v_skipped.plain_run_ids, v_skipped.plain_step_slugs, null, 0, false, true, true,
      true
    );
    perform pgflow._finish_runs(v_skipped.skip_run_ids, false, true);
    perform pgflow._keep_held(v_skipped.skip_run_ids);
  end if;
  perform pgflow._notify(null, v_late.run_ids);
end;
$$;

-- ---- schema/56_timers/_fire_loop_deadlines.sql
-- Exhausts the loops and subflows of these timers that have not ended, also between two rounds; children that are under way
-- are cancelled. Where a failure is a value each task of a map has its own, else one is the step's.
create function pgflow._fire_loop_deadlines(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_late record;
  v_parents record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(t.flow_slug) as flow_slugs, array_agg(t.run_id) as run_ids, array_agg(t.step_slug) as step_slugs,
    array_agg(t.task_index) as task_indexes, array_agg(t.message_id) as msg_ids,
    array_agg(t.run_id) filter (where t.waits_for = 'child') as parent_ids,
    array_agg(t.step_slug) filter (where t.waits_for = 'child') as parent_step_slugs,
    array_agg(format('timed out after %s s', d.payload ->> 'seconds')) as messages
  into v_late
  from (
    select l.flow_slug, l.run_id, l.step_slug, l.payload
    from pgflow.timers l
    where l.timer_id = any(timer_ids) and l.task_index is not null
    order by l.due_at, l.timer_id
  ) d
  cross join lateral (select l.status from pgflow.runs l where l.run_id = d.run_id limit 1) r
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = d.run_id and l.step_slug = d.step_slug limit 1
  ) s
  cross join lateral (
    select l.when_exhausted
    from pgflow.steps l
    where l.flow_slug = d.flow_slug and l.step_slug = d.step_slug
    limit 1
  ) st
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = d.run_id and l.step_slug = d.step_slug and l.status in ('queued', 'started')
    order by l.task_index
    limit case st.when_exhausted when 'value' then null else 1 end
  ) t
  where r.status = 'started' and s.status = 'started';
  if v_late.run_ids is null then
    return;
  end if;

  -- Messages before tasks: whoever claims has a message when it asks for the task's row.
  perform pgflow._archive(v_late.flow_slugs, v_late.msg_ids);
  perform pgflow._note_under_way(v_late.run_ids, v_late.step_slugs);  -- what they do yet may have to be undone
  update pgflow.step_tasks t
  set status = 'started', started_at = greatest(now(), t.queued_at), waits_for = null
  from (
    select *
    from unnest(v_late.run_ids, v_late.step_slugs, v_late.task_indexes) g(run_id, step_slug, task_index)
    limit v_all
  ) l
  where t.run_id = l.run_id and t.step_slug = l.step_slug and t.task_index = l.task_index and t.status = 'queued';
  delete from pgflow.timers i
  using unnest(v_late.run_ids, v_late.step_slugs) l(run_id, step_slug)
  where i.run_id = l.run_id and i.step_slug = l.step_slug and i.kind <> 'cancel_children';

  if v_late.parent_ids is not null then
    select array_agg(p.run_id) as run_ids, array_agg(p.step_slug) as step_slugs into v_parents
    from (select distinct u.run_id, u.step_slug from unnest(v_late.parent_ids, v_late.parent_step_slugs) u(run_id, step_slug)) p;
    perform pgflow._set_children_timers('cancel_children', v_parents.run_ids, v_parents.step_slugs);
  end if;
  perform 1 from pgflow._fail(
    array_fill(null::uuid, array[cardinality(v_late.run_ids)]), v_late.run_ids, v_late.step_slugs, v_late.task_indexes,
    array_fill(null::int, array[cardinality(v_late.run_ids)]), v_late.messages,
    array_fill(false, array[cardinality(v_late.run_ids)]), null, false
  );
  perform pgflow._notify_control(v_late.flow_slugs);
end;
$$;

-- ---- schema/56_timers/_fire_one_by_one.sql
-- Fires timers of one kind of which one raises, each for itself. One that raises alone is
-- postponed. What waits for a lock takes time: after five such the rest is left
-- for the next call.
create function pgflow._fire_one_by_one(kind text, timer_ids bigint[], out fired_count int, out failed_count int)
language plpgsql
as $$
declare
  v_timer_id bigint;
  v_locked_count int := 0;
begin
  fired_count := 0;
  failed_count := 0;
  foreach v_timer_id in array _fire_one_by_one.timer_ids loop
    exit when v_locked_count >= 5;
    begin
      perform pgflow._fire(_fire_one_by_one.kind, array[v_timer_id]);
      fired_count := fired_count + 1;
    exception when others then
      failed_count := failed_count + 1;
      v_locked_count := v_locked_count + case sqlstate when '55P03' then 1 else 0 end;
      perform pgflow._postpone(_fire_one_by_one.kind, v_timer_id, format('%s (%s)', sqlerrm, sqlstate));
    end;
  end loop;
end;
$$;

-- ---- schema/56_timers/_fire_run_timeouts.sql
-- Fails the started runs of these timers. No step fails: what was open when its run ended is over with it.
create function pgflow._fire_run_timeouts(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_all bigint;  -- see 00_model/model.sql
begin
  with failed as (
    update pgflow.runs r
    set status = 'failed',
        failed_at = greatest(now(), r.started_at),
        error_message = format('timed out after %s s', d.payload ->> 'seconds')
    from (select t.run_id, t.payload from pgflow.timers t where t.timer_id = any(timer_ids) limit v_all) d
    where r.run_id = d.run_id and r.status = 'started'
    returning r.run_id
  )
  select array_agg(f.run_id order by f.run_id) into v_run_ids from failed f;
  if v_run_ids is null then
    return;
  end if;
  perform pgflow._send_events('run:failed', v_run_ids);
  perform pgflow._archive_open_tasks(v_run_ids);
  perform pgflow._note_ends(v_run_ids);
  perform pgflow._notify(null, v_run_ids);
end;
$$;

-- ---- schema/56_timers/_fire_sleeps.sql
-- Completes the sleeps of these timers; those that have ended some other way meanwhile are left alone.
create function pgflow._fire_sleeps(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_over record;
begin
  select * into v_over from pgflow._waiting_for(timer_ids);
  if v_over.run_ids is not null then
    perform pgflow._end_waits(
      v_over.run_ids, v_over.step_slugs, array_fill(null::jsonb, array[cardinality(v_over.run_ids)])
    );
  end if;
end;
$$;

-- ---- schema/56_timers/_fire_waits.sql
-- Sends the tasks of these timers whose time has come, or lets them wait for the release of their run; one that went
-- on some other way meanwhile is left alone.
create function pgflow._fire_waits(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_due record;
begin
  select array_agg(t.run_id order by d.due_at, d.timer_id) as run_ids,
    array_agg(t.step_slug order by d.due_at, d.timer_id) as step_slugs,
    array_agg(t.task_index order by d.due_at, d.timer_id) as task_indexes
  into v_due
  from (
    select l.timer_id, l.due_at, l.run_id, l.step_slug, l.task_index, (l.payload ->> 'attempt')::int as attempt
    from pgflow.timers l
    where l.timer_id = any(timer_ids)
    offset 0
  ) d
  cross join lateral (select l.status from pgflow.runs l where l.run_id = d.run_id limit 1) r
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = d.run_id and l.step_slug = d.step_slug limit 1
  ) s
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = d.run_id and l.step_slug = d.step_slug and l.task_index = d.task_index
    limit 1
  ) t
  where r.status = 'started' and s.status = 'started'
    and t.status = 'queued' and t.waits_for in ('time', 'round') and t.attempts_count = d.attempt;
  if v_due.run_ids is not null then
    perform pgflow._send_anew(v_due.run_ids, v_due.step_slugs, v_due.task_indexes, null);
    perform pgflow._keep_held(v_due.run_ids);
  end if;
end;
$$;

-- ---- schema/56_timers/_next_timer.sql
-- When the next timer is due, or a parent to be told of the end of a child: null, there is none. One whose run somebody
-- else held a moment ago does not count.
create function pgflow._next_timer()
returns timestamptz
language plpgsql
volatile
as $$
begin
  return least((
    select t.due_at
    from pgflow.timers t
    where t.due_at >= coalesce((select f.due_at from pgflow.timer_floor f where f.is_only), '-infinity')
      and (t.tried_at is null or t.tried_at < clock_timestamp() - interval '200 milliseconds')
    order by t.due_at, t.timer_id
    limit 1
  ), (
    select e.due_at
    from pgflow.ended_children e
    where e.due_at >= coalesce((select f.ended_due_at from pgflow.timer_floor f where f.is_only), '-infinity')
      and (e.tried_at is null or e.tried_at < clock_timestamp() - interval '200 milliseconds')
    order by e.due_at, e.ended_id
    limit 1
  ));
end;
$$;

-- ---- schema/56_timers/_patience.sql
-- How long what has failed so often before, and once more just now, is left alone.
create function pgflow._patience(failures int)
returns interval
language sql
immutable
as $$
  select make_interval(secs => least(power(2::double precision, least(_patience.failures + 1, 20)), 3600));
$$;

-- ---- schema/56_timers/_postpone.sql
-- Keeps a timer, or the end of a child ('ended'), that could not be fired, with the error and a later time: after 2 s, 4 s, ... an hour at most.
create function pgflow._postpone(kind text, timer_id bigint, error_message text)
returns void
language plpgsql
as $$
begin
  if _postpone.kind = 'ended' then
    update pgflow.ended_children e
    set failures = e.failures + 1,
        error_message = left(_postpone.error_message, 2000),
        due_at = clock_timestamp() + pgflow._patience(e.failures)
    where e.ended_id = _postpone.timer_id;
    return;
  end if;
  update pgflow.timers t
  set failures = t.failures + 1,
      error_message = left(_postpone.error_message, 2000),
      due_at = clock_timestamp() + pgflow._patience(t.failures)
  where t.timer_id = _postpone.timer_id;
end;
$$;

-- ---- schema/56_timers/_raise_floor.sql
-- Moves the floor up to the timers, and the ended children, that are left, but never to within 15 seconds of now: that long
-- a transaction that writes one may take to commit. Not more often than every five seconds, as the row is read at each look.
-- is_whole: somebody has just looked below it.
create function pgflow._raise_floor(is_whole boolean)
returns void
language plpgsql
as $$
declare
  v_floor timestamptz;
  v_ended_floor timestamptz;
  v_first timestamptz;
  v_first_ended timestamptz;
begin
  select f.due_at, f.ended_due_at into v_floor, v_ended_floor from pgflow.timer_floor f where f.is_only;
  if least(v_floor, v_ended_floor) > clock_timestamp() - interval '20 seconds' and not is_whole then
    return;
  end if;
  select t.due_at into v_first
  from pgflow.timers t
  where t.due_at >= case when is_whole or v_floor is null then '-infinity' else v_floor end
  order by t.due_at, t.timer_id
  limit 1;
  select e.due_at into v_first_ended
  from pgflow.ended_children e
  where e.due_at >= case when is_whole or v_ended_floor is null then '-infinity' else v_ended_floor end
  order by e.due_at, e.ended_id
  limit 1;
  insert into pgflow.timer_floor as f (due_at, ended_due_at, looked_at)
  values (
    least(v_first, clock_timestamp() - interval '15 seconds'),
    least(v_first_ended, clock_timestamp() - interval '15 seconds'), clock_timestamp()
  )
  on conflict on constraint timer_floor_pkey do update
  set due_at = excluded.due_at,
      ended_due_at = excluded.ended_due_at,
      looked_at = case when _raise_floor.is_whole then excluded.looked_at else f.looked_at end;
end;
$$;

-- ---- schema/56_timers/_set_loop_deadlines.sql
-- Starts the deadlines of the started loops and subflows of these runs that have one (step_slugs is null), or of these steps (pairs):
-- from now on, or delays[i] seconds later where run i goes on no sooner. Callers hold the runs, or have just made them.
create function pgflow._set_loop_deadlines(run_ids uuid[], step_slugs text[], delays double precision[] default null)
returns void
language plpgsql
as $$
begin
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, task_index, payload)
  select clock_timestamp() + make_interval(secs => (st.options ->> 'deadline')::int + coalesce(i.delay, 0)), 'deadline',
    s.flow_slug, s.run_id, s.step_slug, 0, jsonb_build_object('seconds', st.options -> 'deadline')
  from (
    select distinct u.run_id, u.step_slug, u.delay
    from unnest(_set_loop_deadlines.run_ids, _set_loop_deadlines.step_slugs, _set_loop_deadlines.delays)
      u(run_id, step_slug, delay)
  ) i
  cross join lateral (
    select *
    from pgflow.step_states l
    where l.run_id = i.run_id and (i.step_slug is null or l.step_slug = i.step_slug)
    offset 0
  ) s
  cross join lateral (
    select * from pgflow.steps l where l.flow_slug = s.flow_slug and l.step_slug = s.step_slug limit 1
  ) st
  where s.status = 'started' and st.kind in ('loop', 'subflow') and st.options ? 'deadline';
end;
$$;

-- ---- schema/56_timers/_set_run_timeouts.sql
-- Starts the time-outs of runs that have begun, those whose flows have one: afresh, from now on, or delays[i] seconds later where run i
-- goes on no sooner. Callers hold the runs, or have just made them.
create function pgflow._set_run_timeouts(run_ids uuid[], delays double precision[] default null)
returns void
language plpgsql
as $$
begin
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload)
  select clock_timestamp() + make_interval(secs => p.run_timeout + coalesce(i.delay, 0)), 'run_timeout', r.flow_slug, r.run_id,
    jsonb_build_object('seconds', p.run_timeout)
  from unnest(_set_run_timeouts.run_ids, _set_run_timeouts.delays) i(run_id, delay)
  cross join lateral (select l.flow_slug, l.run_id from pgflow.runs l where l.run_id = i.run_id and l.begins_at is null limit 1) r
  cross join lateral (
    select l.run_timeout from pgflow.prepared_flows l where l.flow_slug = r.flow_slug limit 1
  ) p
  where p.run_timeout is not null;
end;
$$;

-- ---- schema/56_timers/_set_timers.sql
-- Writes a timer for each element: of a run, or of a task where there are steps and indexes. None is due before
-- now, as the look for due ones does not begin earlier. Callers hold the runs.
create function pgflow._set_timers(
  kind text, due_at timestamptz[], flow_slugs text[], run_ids uuid[], step_slugs text[], task_indexes int[],
  payloads jsonb[]
)
returns void
language plpgsql
as $$
begin
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, task_index, payload)
  select greatest(t.due_at, clock_timestamp()), _set_timers.kind, t.flow_slug, t.run_id, t.step_slug, t.task_index,
    t.payload
  from unnest(
    _set_timers.due_at, _set_timers.flow_slugs, _set_timers.run_ids, _set_timers.step_slugs,
    _set_timers.task_indexes, _set_timers.payloads
  ) t(due_at, flow_slug, run_id, step_slug, task_index, payload);
end;
$$;

-- ---- schema/56_timers/_waiting_for.sql
-- The started steps without a handler, of started runs, that these timers are about, what was due first first.
create function pgflow._waiting_for(timer_ids bigint[], out run_ids uuid[], out step_slugs text[])
language plpgsql
as $$
begin
  select array_agg(s.run_id order by t.due_at, t.timer_id), array_agg(s.step_slug order by t.due_at, t.timer_id)
  into run_ids, step_slugs
  from (select * from pgflow.timers l where l.timer_id = any(timer_ids) and l.task_index is null offset 0) t
  cross join lateral (select l.status from pgflow.runs l where l.run_id = t.run_id limit 1) r
  cross join lateral (
    select * from pgflow.step_states l where l.run_id = t.run_id and l.step_slug = t.step_slug limit 1
  ) s
  where r.status = 'started' and s.status = 'started';
end;
$$;

-- ---- schema/56_timers/fire_timers.sql
-- for: worker
-- Does what is due, at most max_count timers, and tells parents of ten times as many children that have ended, one caller
-- at a time: others return at once. next_in: seconds until the next one is due, 0 if one is now (call again at once),
-- null if there is none; one whose run somebody else holds is left out for 200 ms. failed_count: timers that could not be fired and are kept for a later time.
create function pgflow.fire_timers(max_count int default 100)
returns table (fired_count int, failed_count int, next_in double precision)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '300ms'
as $$
declare
  v_due record;
  v_ended record;    -- children that are
  v_run_ids uuid[];  -- of those due: held by us, or gone
  v_kind record;
  v_single record;
  v_next timestamptz;
  v_is_elsewhere boolean := false;  -- a schedule that is due, and somebody else has at hand
begin
  fired_count := 0;
  failed_count := 0;
  if not pg_try_advisory_xact_lock(hashtextextended('pgflow.timers', 0)) then
    next_in := 0.2;
    return next;
    return;
  end if;

  select * into v_due
  from pgflow._due_timers(least(greatest(coalesce(max_count, 100), 0), 1000));
  if v_due.schedule_ids is not null then
    select * into v_single from pgflow._fire_schedules(v_due.schedule_ids);
    fired_count := v_single.fired_count;
    failed_count := v_single.failed_count;
    if fired_count + failed_count > 0 then
      v_due.timer_ids := null;  -- in a call of their own: who holds a schedule waits for runs
      v_due.run_ids := null;
    else
      v_is_elsewhere := v_due.timer_ids is null;
    end if;
  end if;
  select * into v_ended from pgflow._due_children(
    least(greatest(coalesce(max_count, 100)::bigint, 0) * 10, 1000)::int, v_due.is_whole
  );
  if v_due.timer_ids is not null or v_ended.ended_ids is not null then
    -- A statement of its own: what is read below must be what others have committed meanwhile.
    select array_agg(l.run_id) into v_run_ids
    from (
      select r.run_id
      from pgflow.runs r
      where r.run_id = any(v_due.run_ids || v_ended.run_ids)
      order by r.run_id
      for no key update skip locked
    ) l;
    if v_run_ids is null and v_due.schedule_ids is null and v_ended.run_ids is not null then
      v_run_ids := pgflow._await_run(v_ended.first_run_id);
    end if;
    v_run_ids := v_run_ids || array(
      select i.run_id
      from unnest(v_due.run_ids || v_ended.run_ids) i(run_id)
      where not exists (select 1 from pgflow.runs r where r.run_id = i.run_id)
    );

    for v_kind in
      select l.kind, array_agg(l.timer_id order by l.timer_id) as timer_ids
      from (
        select t.kind, t.timer_id
        from pgflow.timers t
        where t.timer_id = any(v_due.timer_ids) and t.run_id = any(v_run_ids) and t.due_at <= clock_timestamp()
        for update skip locked
      ) l
      group by l.kind
      union all
      select 'ended', array_agg(e.ended_id order by e.ended_id)
      from (select * from pgflow.ended_children l where l.ended_id = any(v_ended.ended_ids) offset 0) e
      where e.run_id = any(v_run_ids)
      having count(*) > 0
      order by kind
    loop
      begin
        perform pgflow._fire(v_kind.kind, v_kind.timer_ids);
        fired_count := fired_count + cardinality(v_kind.timer_ids);
      exception when others then
        select * into v_single from pgflow._fire_one_by_one(v_kind.kind, v_kind.timer_ids);
        fired_count := fired_count + v_single.fired_count;
        failed_count := failed_count + v_single.failed_count;
      end;
    end loop;

    -- Last, as whoever holds these runs may wait for these rows.
    update pgflow.timers t
    set tried_at = clock_timestamp()
    where t.timer_id = any(array(
      select l.timer_id
      from pgflow.timers l
      where l.timer_id = any(v_due.timer_ids) and (l.run_id = any(v_run_ids)) is not true
      for update skip locked
    ));
    update pgflow.ended_children e
    set tried_at = clock_timestamp()
    where e.ended_id = any(v_ended.ended_ids) and (e.run_id = any(v_run_ids)) is not true;
  end if;
  if v_due.timer_ids is not null or v_due.schedule_ids is not null or v_ended.ended_ids is not null or v_due.is_whole then
    perform pgflow._raise_floor(v_due.is_whole);
  end if;

  v_next := pgflow._next_timer();
  if v_next is not null then
    next_in := greatest(
      extract(epoch from v_next - clock_timestamp()), case when v_is_elsewhere then 0.2 else 0 end
    );
  end if;
  return next;
end;
$$;

-- ---- schema/57_waits/_begin_waits.sql
-- Begins ready steps without a handler (pairs). Sleeps that are over and signals that were sent before complete at once;
-- and picks complete at once; one that can never end well is exhausted. Returns the dependents that became ready. Callers hold the runs.
create function pgflow._begin_waits(
  run_ids uuid[], step_slugs text[], out ready_run_ids uuid[], out ready_step_slugs text[]
)
language plpgsql
as $$
declare
  v_wrong record;
  v_plain record;
  v_begun record;
  v_done_run_ids uuid[];
  v_done_step_slugs text[];
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(w.run_id) as run_ids, array_agg(w.step_slug) as step_slugs,
    array_agg(w.wrong) as messages
  into v_wrong
  from pgflow._waits(_begin_waits.run_ids, _begin_waits.step_slugs) w
  where w.wrong is not null;
  if v_wrong.run_ids is not null then
    select * into v_plain
    from pgflow._exhaust_waits(v_wrong.run_ids, v_wrong.step_slugs, 'invalid_time', v_wrong.messages);
    v_done_run_ids := v_plain.plain_run_ids;
    v_done_step_slugs := v_plain.plain_step_slugs;
  end if;

  with begun as (
    update pgflow.step_states s
    set status = 'started', started_at = greatest(now(), s.created_at), remaining_tasks = s.initial_tasks
    from (
      select w.*, k.signal_id, case w.kind when 'pick' then w.picked else k.payload end as payload,
        coalesce(
          w.kind = 'sleep' and w.due_at <= clock_timestamp() or w.kind = 'pick' or k.signal_id is not null, false
        ) as is_over
      from pgflow._waits(_begin_waits.run_ids, _begin_waits.step_slugs) w
      left join lateral (
        select l.signal_id, l.payload
        from pgflow.signals l
        where w.kind = 'signal' and l.run_id = w.run_id and l.step_slug = w.step_slug and l.taken_at is null
        order by l.signal_id
        limit 1
      ) k on true
      where w.wrong is null
      limit v_all
    ) w
    where s.run_id = w.run_id and s.step_slug = w.step_slug and s.status = 'created' and s.remaining_deps = 0
    returning s.flow_slug, s.run_id, s.step_slug, w.kind, w.due_at, w.key, w.signal_id, w.payload, w.is_over
  ),
  sorted as (select * from begun b order by b.run_id, b.step_slug collate "C")
  select
    array_agg(b.run_id) as run_ids,
    array_agg(b.step_slug) as step_slugs,
    array_agg(b.flow_slug) filter (where not b.is_over) as wait_flow_slugs,
    array_agg(b.run_id) filter (where not b.is_over) as wait_run_ids,
    array_agg(b.step_slug) filter (where not b.is_over) as wait_step_slugs,
    array_agg(b.kind) filter (where not b.is_over) as wait_kinds,
    array_agg(b.due_at) filter (where not b.is_over) as wait_due_at,
    array_agg(b.key) filter (where not b.is_over) as wait_keys,
    array_agg(b.run_id) filter (where b.is_over) as over_run_ids,
    array_agg(b.step_slug) filter (where b.is_over) as over_step_slugs,
    array_agg(b.payload) filter (where b.is_over) as outputs,
    array_agg(b.signal_id) filter (where b.signal_id is not null) as signal_ids
  into v_begun
  from sorted b;

  if v_begun.run_ids is not null then
    perform pgflow._send_events('step:started', v_begun.run_ids, v_begun.step_slugs);
  end if;
  if v_begun.wait_run_ids is not null then
    perform pgflow._note_waits(
      v_begun.wait_flow_slugs, v_begun.wait_run_ids, v_begun.wait_step_slugs, v_begun.wait_kinds, v_begun.wait_due_at,
      v_begun.wait_keys
    );
  end if;
  if v_begun.over_run_ids is not null then
    update pgflow.signals g set taken_at = clock_timestamp(), payload = null where g.signal_id = any(v_begun.signal_ids);
    perform pgflow._complete_waits(v_begun.over_run_ids, v_begun.over_step_slugs, v_begun.outputs);
    update pgflow.runs r
    set remaining_steps = r.remaining_steps - c.step_count
    from (
      select o.run_id, count(*)::int as step_count
      from unnest(v_begun.over_run_ids) o(run_id)
      group by o.run_id
      limit v_all
    ) c
    where r.run_id = c.run_id;
    v_done_run_ids := v_done_run_ids || v_begun.over_run_ids;
    v_done_step_slugs := v_done_step_slugs || v_begun.over_step_slugs;
  end if;

  if v_done_run_ids is not null then
    select d.ready_run_ids, d.ready_step_slugs into ready_run_ids, ready_step_slugs
    from pgflow._release_dependents(
      pgflow._flows_of(v_done_run_ids), v_done_run_ids, v_done_step_slugs, null, false, null
    ) d;
  end if;
end;
$$;

-- ---- schema/57_waits/_check_keyed_signal.sql
-- Refuses a step that no version of the flow has as a signal with a key.
create function pgflow._check_keyed_signal(flow_slug text, step_slug text)
returns void
language plpgsql
as $$
declare
  v_versions text[] := array(
    select f.flow_slug
    from pgflow.flows f
    where pgflow._family(f.flow_slug) = pgflow._family(_check_keyed_signal.flow_slug)
  );
begin
  if v_versions = '{}' then
    perform pgflow._check_flows(array[_check_keyed_signal.flow_slug]);
  end if;
  if not exists (
    select 1
    from pgflow.steps s
    where s.flow_slug = any(v_versions) and s.step_slug = _check_keyed_signal.step_slug
      and s.kind = 'signal' and s.options ? 'key'
  ) then
    raise exception 'Flow "%" has no signal "%" with a key',
      left(_check_keyed_signal.flow_slug, 200), left(_check_keyed_signal.step_slug, 200)
      using errcode = 'PF011', hint = 'Send it by the ids of runs, or give the signal a key.';
  end if;
end;
$$;

-- ---- schema/57_waits/_check_payloads.sql
-- Refuses payloads that a map is to go over and cannot, and notes large ones.
create function pgflow._check_payloads(run_ids uuid[], step_slugs text[], payloads jsonb[])
returns void
language plpgsql
as $$
declare
  v_wrong record;
begin
  select g.step_slug, m.map_slug, coalesce(jsonb_typeof(g.payload), 'null') as type into v_wrong
  from unnest(_check_payloads.run_ids, _check_payloads.step_slugs, _check_payloads.payloads)
    g(run_id, step_slug, payload)
  cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = g.run_id limit 1) r
  cross join lateral (
    select d.step_slug as map_slug
    from pgflow.steps s
    join pgflow.deps d on d.flow_slug = s.flow_slug and d.dep_slug = s.step_slug
    where s.flow_slug = r.flow_slug and s.step_slug = g.step_slug and s.kind = 'signal' and d.is_array
    limit 1
  ) m
  where jsonb_typeof(g.payload) is distinct from 'array'
  limit 1;
  if found then
    raise exception 'Signal "%" takes an array, as map "%" goes over it, not %', v_wrong.step_slug, v_wrong.map_slug,
      v_wrong.type
      using errcode = 'PF011', hint = 'Send a list, which may be empty.';
  end if;

  if pg_column_size(_check_payloads.payloads) > 65536 then
    perform pgflow._note_large_values(array_agg(distinct r.flow_slug))
    from unnest(_check_payloads.run_ids, _check_payloads.payloads) g(run_id, payload)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = g.run_id limit 1) r
    where pg_column_size(g.payload) > 65536
    having count(*) > 0;
  end if;
end;
$$;

-- ---- schema/57_waits/_complete_waits.sql
-- Completes started steps without a handler (pairs) with these outputs; what follows is the caller's business, who
-- holds the runs.
create function pgflow._complete_waits(run_ids uuid[], step_slugs text[], outputs jsonb[])
returns void
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  update pgflow.step_states s
  set status = 'completed', completed_at = greatest(now(), s.started_at), remaining_tasks = 0, output = p.output
  from (
    select *
    from unnest(_complete_waits.run_ids, _complete_waits.step_slugs, _complete_waits.outputs)
      g(run_id, step_slug, output)
    limit v_all
  ) p
  where s.run_id = p.run_id and s.step_slug = p.step_slug;

  perform pgflow._drop_timers(_complete_waits.run_ids, _complete_waits.step_slugs);
  perform pgflow._send_events('step:completed', _complete_waits.run_ids, _complete_waits.step_slugs);
end;
$$;

-- ---- schema/57_waits/_end_waits.sql
-- Completes started steps without a handler (pairs, of started runs) with these outputs, and lets their runs go on.
-- Callers hold the runs.
create function pgflow._end_waits(run_ids uuid[], step_slugs text[], outputs jsonb[])
returns void
language plpgsql
as $$
declare
  v_flow_slugs text[] := pgflow._flows_of(run_ids);
begin
  perform pgflow._complete_waits(_end_waits.run_ids, _end_waits.step_slugs, _end_waits.outputs);
  perform pgflow._advance(
    v_flow_slugs, _end_waits.run_ids, _end_waits.step_slugs, null, 0, true,
    exists (
      select 1 from pgflow.prepared_flows p where p.flow_slug = any(v_flow_slugs) and p.has_large_values
    ),
    true, true
  );
  perform pgflow._keep_held(_end_waits.run_ids);
  perform pgflow._notify(null, _end_waits.run_ids);
end;
$$;

-- ---- schema/57_waits/_exhaust_waits.sql
-- Ends steps without a handler (pairs, of started runs) that got nothing, as their when_exhausted says: the first of a
-- run that fails it wins, its others are over with the run. Returns those that were skipped alone: what depends on
-- them is the caller's business, who holds the runs; and all runs that are left.
create function pgflow._exhaust_waits(
  run_ids uuid[],
  step_slugs text[],
  skip_reason text,
  error_messages text[],
  out plain_flow_slugs text[],
  out plain_run_ids uuid[],
  out plain_step_slugs text[],
  out skip_run_ids uuid[]
)
language plpgsql
as $$
declare
  v_ends record;
begin
  select
    array_agg(e.run_id) filter (where e.step_index = e.failing) as fail_run_ids,
    array_agg(e.step_slug) filter (where e.step_index = e.failing) as fail_step_slugs,
    array_agg(e.error_message) filter (where e.step_index = e.failing) as fail_messages,
    array_agg(e.run_id) filter (where e.failing is null) as skip_run_ids,
    array_agg(e.step_slug) filter (where e.failing is null) as skip_step_slugs,
    array_agg(e.error_message) filter (where e.failing is null) as skip_messages,
    array_agg(e.run_id) filter (where e.failing is null and e.when_exhausted = 'skip-cascade') as cascade_run_ids,
    array_agg(e.step_slug) filter (where e.failing is null and e.when_exhausted = 'skip-cascade') as cascade_step_slugs,
    array_agg(e.flow_slug) filter (where e.failing is null and e.when_exhausted = 'skip') as plain_flow_slugs,
    array_agg(e.run_id) filter (where e.failing is null and e.when_exhausted = 'skip') as plain_run_ids,
    array_agg(e.step_slug) filter (where e.failing is null and e.when_exhausted = 'skip') as plain_step_slugs
  into v_ends
  from (
    select p.run_id, p.step_slug, p.error_message, st.flow_slug, st.step_index, st.when_exhausted,
      min(st.step_index) filter (where st.when_exhausted = 'fail') over (partition by p.run_id) as failing
    from unnest(_exhaust_waits.run_ids, _exhaust_waits.step_slugs, _exhaust_waits.error_messages)
      p(run_id, step_slug, error_message)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = p.run_id limit 1) r
    cross join lateral (
      select * from pgflow.steps l where l.flow_slug = r.flow_slug and l.step_slug = p.step_slug limit 1
    ) st
    order by p.run_id, st.step_index
  ) e;

  if v_ends.fail_run_ids is not null then
    perform pgflow._fail_runs(v_ends.fail_run_ids, v_ends.fail_step_slugs, v_ends.fail_messages);
  end if;
  if v_ends.skip_run_ids is not null then
    perform pgflow._skip_steps(
      v_ends.skip_run_ids, v_ends.skip_step_slugs,
      array_fill(_exhaust_waits.skip_reason, array[cardinality(v_ends.skip_run_ids)]), v_ends.skip_messages
    );
    perform pgflow._force_skip(v_ends.cascade_run_ids, v_ends.cascade_step_slugs);
  end if;
  plain_flow_slugs := v_ends.plain_flow_slugs;
  plain_run_ids := v_ends.plain_run_ids;
  plain_step_slugs := v_ends.plain_step_slugs;
  skip_run_ids := v_ends.skip_run_ids;
end;
$$;

-- ---- schema/57_waits/_judge_signals.sql
-- What becomes of each signal that is sent, see send_signals. Callers hold the runs.
create function pgflow._judge_signals(run_ids uuid[], step_slugs text[], dedupes text[])
returns text[]
language plpgsql
as $$
begin
  return array(
    select case
      when j.run_status is null then 'no such run'
      when j.step_status is null then 'no such signal'
      when j.is_known then 'duplicate'
      when j.room is null then 'late'
      when j.is_new and j.rank <= j.room then case j.step_status when 'started' then 'taken' else 'kept' end
      when not j.is_new and j.rank <= j.room then 'duplicate'
      else case j.step_status when 'started' then 'late' else 'full' end
    end
    from (
      select c.position, c.run_status, c.step_status, c.is_known, c.room, c.is_new,
        -- of what came first with this mark
        case when c.dedupe is null then c.rank
          else min(c.rank) over (partition by c.run_id, c.step_slug, c.dedupe) end as rank
      from (
        select n.*, sum(n.is_new::int) over (partition by n.run_id, n.step_slug order by n.position) as rank
        from (
          select
            g.*, r.status as run_status, s.status as step_status, k.is_known, o.room,
            -- whether it is judged, and the first one of its mark
            o.room is not null and not k.is_known and (g.dedupe is null or row_number() over (
              partition by g.run_id, g.step_slug, g.dedupe order by g.position
            ) = 1) as is_new
          from unnest(_judge_signals.run_ids, _judge_signals.step_slugs, _judge_signals.dedupes)
            with ordinality g(run_id, step_slug, dedupe, position)
          left join lateral (
            select l.status, l.flow_slug from pgflow.runs l where l.run_id = g.run_id limit 1
          ) r on true
          left join lateral (
            select l.status
            from pgflow.step_states l
            join pgflow.steps st on st.flow_slug = l.flow_slug and st.step_slug = l.step_slug
            where l.run_id = g.run_id and l.step_slug = g.step_slug and st.kind = 'signal'
            limit 1
          ) s on true
          cross join lateral (
            select exists (
              select 1
              from pgflow.signals l
              where l.run_id = g.run_id and l.step_slug = g.step_slug and l.dedupe = g.dedupe
            ) as is_known
          ) k
          cross join lateral (
            -- how many it has room for: null, none and never
            select case
              when r.status <> 'started' then null
              when s.status = 'started' then 1
              when s.status = 'created' then 16 - (
                select count(*)
                from pgflow.signals l
                where l.run_id = g.run_id and l.step_slug = g.step_slug and l.taken_at is null
              )
            end as room
          ) o
        ) n
      ) c
    ) j
    order by j.position
  );
end;
$$;

-- ---- schema/57_waits/_note_signal_keys.sql
-- Writes under which keys the signal steps of these runs are found: those of which the run's input has a text or a number
-- at the path.
create function pgflow._note_signal_keys(run_ids uuid[])
returns void
language plpgsql
as $$
begin
  insert into pgflow.signal_keys (run_id, step_slug, family, key)
  select i.run_id, st.step_slug, pgflow._family(r.flow_slug), k.key
  from unnest(_note_signal_keys.run_ids) i(run_id)
  cross join lateral (select l.flow_slug, l.input from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (
    select l.step_slug, l.options
    from pgflow.steps l
    where l.flow_slug = r.flow_slug and l.kind = 'signal' and l.options ? 'key'
    offset 0
  ) st
  cross join lateral (select pgflow._value_at(st.options -> 'key', r.input) as value) v
  cross join lateral (
    select case jsonb_typeof(v.value)
      when 'string' then v.value #>> '{}'
      when 'number' then trim_scale((v.value #>> '{}')::numeric)::text
    end as key
  ) k
  where k.key is not null
  order by i.run_id, st.step_slug
  on conflict on constraint signal_keys_pkey do nothing;
end;
$$;

-- ---- schema/57_waits/_note_waits.sql
-- Writes what has to happen to these steps without a handler, and by what others find those that wait for a signal;
-- tells idle workers that a timer may be the next one. due_at[i] null: signal i has no deadline. Callers hold the runs.
create function pgflow._note_waits(
  flow_slugs text[], run_ids uuid[], step_slugs text[], kinds text[], due_at timestamptz[], keys text[]
)
returns void
language plpgsql
as $$
begin
  insert into pgflow.waiting_signals (flow_slug, run_id, step_slug, key, since, deadline_at)
  select w.flow_slug, w.run_id, w.step_slug, w.key, clock_timestamp(), w.due_at
  from unnest(
    _note_waits.flow_slugs, _note_waits.run_ids, _note_waits.step_slugs, _note_waits.kinds, _note_waits.due_at,
    _note_waits.keys
  ) w(flow_slug, run_id, step_slug, kind, due_at, key)
  where w.kind = 'signal';

  insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug)
  select greatest(w.due_at, clock_timestamp()), case w.kind when 'sleep' then 'sleep' else 'deadline' end, w.flow_slug,
    w.run_id, w.step_slug
  from unnest(
    _note_waits.flow_slugs, _note_waits.run_ids, _note_waits.step_slugs, _note_waits.kinds, _note_waits.due_at
  ) w(flow_slug, run_id, step_slug, kind, due_at)
  where w.due_at is not null;
  perform pgflow._notify(_note_waits.flow_slugs, null);
end;
$$;

-- ---- schema/57_waits/_runs_by_key.sql
-- The runs that wait for a signal by this key, in whatever version of the flow, by ascending ids; null if there are none.
-- A bitmap scan needs a condition on its index. Any other may be planned while there are few keys, and read all of
-- them later: along the primary key, as sequential scans are off in who calls this.
create function pgflow._runs_by_key(family text, step_slug text, key text)
returns uuid[]
language plpgsql
set enable_seqscan = off
set enable_indexscan = off
set enable_indexonlyscan = off
as $$
begin
  return (
    select array_agg(k.run_id order by k.run_id)
    from pgflow.signal_keys k
    where left(k.key, 200) = left(_runs_by_key.key, 200)
      and k.key = _runs_by_key.key
      and k.step_slug = _runs_by_key.step_slug
      and k.family = _runs_by_key.family
  );
end;
$$;

-- ---- schema/57_waits/_send_signals.sql
-- Sends signals and returns their outcomes, see send_signals.
create function pgflow._send_signals(run_ids uuid[], step_slugs text[], payloads jsonb[], dedupes text[])
returns text[]
language plpgsql
as $$
declare
  v_outcomes text[];
  v_taken record;
begin
  if exists (select 1 from unnest(_send_signals.dedupes) d(mark) where length(d.mark) > 200) then
    raise exception 'A mark against repetition (dedupe) has at most 200 characters'
      using errcode = 'PF011', hint = 'Use an id of what is sent, or a digest of it.';
  end if;
  perform pgflow._lock_runs(_send_signals.run_ids);
  perform pgflow._check_payloads(_send_signals.run_ids, _send_signals.step_slugs, _send_signals.payloads);
  v_outcomes := pgflow._judge_signals(_send_signals.run_ids, _send_signals.step_slugs, _send_signals.dedupes);

  insert into pgflow.signals (run_id, step_slug, payload, dedupe, taken_at)
  select g.run_id, g.step_slug, case g.outcome when 'kept' then coalesce(g.payload, 'null') end, g.dedupe,
    case g.outcome when 'taken' then clock_timestamp() end
  from unnest(
    _send_signals.run_ids, _send_signals.step_slugs, _send_signals.payloads, _send_signals.dedupes, v_outcomes
  ) with ordinality g(run_id, step_slug, payload, dedupe, outcome, position)
  where g.outcome = 'kept' or g.outcome = 'taken' and g.dedupe is not null
  order by g.position;

  select array_agg(g.run_id) as run_ids, array_agg(g.step_slug) as step_slugs,
    array_agg(coalesce(g.payload, 'null')) as payloads
  into v_taken
  from unnest(_send_signals.run_ids, _send_signals.step_slugs, _send_signals.payloads, v_outcomes)
    g(run_id, step_slug, payload, outcome)
  where g.outcome = 'taken';
  if v_taken.run_ids is not null then
    perform pgflow._end_waits(v_taken.run_ids, v_taken.step_slugs, v_taken.payloads);
  end if;
  return v_outcomes;
end;
$$;

-- ---- schema/57_waits/_value_at.sql
-- The value at a path, an array of keys; null where there is none.
create function pgflow._value_at(path jsonb, value jsonb)
returns jsonb
language sql
immutable
as $$
  select _value_at.value #> array(
    select k.key from jsonb_array_elements_text(_value_at.path) with ordinality k(key, position) order by k.position
  );
$$;

-- ---- schema/57_waits/_wait_again.sql
-- Lets the started steps without a handler of these retried runs wait again: sleeps until they would have been over, but
-- no sooner than their run goes on (after delays[i] seconds), signals with their deadline afresh. Callers hold the runs.
create function pgflow._wait_again(run_ids uuid[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_waits record;
begin
  select array_agg(s.run_id) as run_ids, array_agg(s.step_slug) as step_slugs into v_waits
  from unnest(_wait_again.run_ids) i(run_id)
  cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
  cross join lateral (
    select l.kind from pgflow.steps l where l.flow_slug = s.flow_slug and l.step_slug = s.step_slug limit 1
  ) st
  where s.status = 'started' and st.kind in ('signal', 'sleep');
  if v_waits.run_ids is null then
    return;
  end if;

  perform pgflow._note_waits(
    array_agg(w.flow_slug), array_agg(w.run_id), array_agg(w.step_slug), array_agg(w.kind),
    array_agg(case w.kind
      when 'signal' then w.due_at + make_interval(secs => i.delay)
      else greatest(w.due_at, clock_timestamp() + make_interval(secs => i.delay))
    end),
    array_agg(w.key)
  )
  from pgflow._waits(v_waits.run_ids, v_waits.step_slugs) w
  join unnest(_wait_again.run_ids, _wait_again.delays) i(run_id, delay) on i.run_id = w.run_id;
end;
$$;

-- ---- schema/57_waits/_waits.sql
-- What these started or ready steps without a handler (pairs) wait for. due_at: when a sleep is over, as of when it
-- began, or the deadline of a signal, from now on; null: never. wrong: why it can never end well:
-- a sleep whose "until" is no time, a pick of what is no array for a map. key: under which a signal is found. picked:
-- what a pick completes with at once.
create function pgflow._waits(run_ids uuid[], step_slugs text[])
returns table (
  run_id uuid, step_slug text, flow_slug text, kind text, step_index int, due_at timestamptz, wrong text, key text,
  picked jsonb
)
language plpgsql
as $$
begin
  return query
  select
    s.run_id, s.step_slug, s.flow_slug, st.kind, st.step_index,
    case
      when st.kind = 'signal' then clock_timestamp() + make_interval(secs => (st.options ->> 'deadline')::double precision)
      when st.options ? 'until' then u.instant
      else coalesce(s.started_at, clock_timestamp())
        + make_interval(secs => (st.options ->> 'seconds')::double precision)
    end,
    case
      when st.options ? 'until' and u.instant is null then format('"until" of sleep "%s" is no time', s.step_slug)
      when i.is_array and jsonb_typeof(i.picked) <> 'array' then format(
        '[TYPE_VIOLATION] Step %s expects an array in the run''s input, not %s', s.step_slug, jsonb_typeof(i.picked)
      )
    end,
    (select k.key from pgflow.signal_keys k where k.run_id = s.run_id and k.step_slug = s.step_slug),
    i.picked
  from unnest(_waits.run_ids, _waits.step_slugs) p(run_id, step_slug)
  cross join lateral (
    select * from pgflow.step_states l where l.run_id = p.run_id and l.step_slug = p.step_slug limit 1
  ) s
  cross join lateral (
    select * from pgflow.steps l where l.flow_slug = s.flow_slug and l.step_slug = p.step_slug limit 1
  ) st
  cross join lateral (select l.status, l.input from pgflow.runs l where l.run_id = p.run_id limit 1) r
  cross join lateral (
    select case when st.options ? 'until' then pgflow._wakes_at(p.run_id, st.options -> 'until') end as instant
  ) u
  cross join lateral (
    -- what is not there is nothing, of which there is an empty list
    select coalesce(nullif(v.picked, 'null'), case when v.is_array then '[]'::jsonb end) as picked, v.is_array
    from (
      select
        case when st.kind = 'pick' then pgflow._value_at(st.options -> 'pick', r.input) end as picked,
        st.kind = 'pick' and exists (
          select 1
          from pgflow.deps d
          where d.flow_slug = st.flow_slug and d.dep_slug = st.step_slug and d.is_array
        ) as is_array
    ) v
  ) i
  where r.status = 'started' and s.status in ('created', 'started');
end;
$$;

-- ---- schema/57_waits/_wakes_at.sql
-- When a sleep until something of its run's input, or of a dependency's output, is over; null: that is no time.
create function pgflow._wakes_at(run_id uuid, until jsonb)
returns timestamptz
language plpgsql
as $$
declare
  v_value jsonb;
begin
  if until ->> 0 = 'flow_input' then
    select r.input into v_value from pgflow.runs r where r.run_id = _wakes_at.run_id;
  else
    select s.output into v_value
    from pgflow.step_states s
    where s.run_id = _wakes_at.run_id and s.step_slug = until ->> 0;
  end if;
  return pgflow._instant(pgflow._value_at(until - 0, v_value));
end;
$$;

-- ---- schema/57_waits/send_signal_by_key.sql
-- for: client
-- Sends a payload (null: JSON null) to all started runs of a flow, in whatever version, whose input has that key for the
-- signal step; one row a run as from send_signals, by ascending ids, none if there is no such run. flow_slug: of any
-- version. Raises PF001 for an unknown flow, PF011 for a step that is no signal with a key.
create function pgflow.send_signal_by_key(
  flow_slug text, step_slug text, key text, payload jsonb, dedupe text default null
)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_family constant text := pgflow._family(send_signal_by_key.flow_slug);
  v_run_ids uuid[];
  v_outcomes text[];
begin
  perform pgflow._check_keyed_signal(send_signal_by_key.flow_slug, send_signal_by_key.step_slug);
  v_run_ids := pgflow._runs_by_key(v_family, send_signal_by_key.step_slug, send_signal_by_key.key);
  if v_run_ids is null then
    return;
  end if;
  v_outcomes := pgflow._send_signals(
    v_run_ids,
    array_fill(send_signal_by_key.step_slug, array[cardinality(v_run_ids)]),
    array_fill(send_signal_by_key.payload, array[cardinality(v_run_ids)]),
    array_fill(send_signal_by_key.dedupe, array[cardinality(v_run_ids)])
  );
  return query
  select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) with ordinality i(run_id, outcome, position)
  order by i.position;
end;
$$;

-- ---- schema/57_waits/send_signals.sql
-- for: client
-- Sends payloads (null: JSON null) to signal steps of runs. One row an element, in their order: 'taken' (the step was
-- waiting, and completes with it), 'kept' (it is not ready yet, and takes the first one that was kept), 'full' (sixteen
-- are kept already), 'late' (the step or the run has ended), 'duplicate' (this run's step has had one with the same mark
-- dedupes[i]; null: none), 'no such run' or 'no such signal'. Elements are judged by what was there before the call, then
-- in their order. A payload must be an array where a map goes over it, else PF011; at most 1,000 runs a call.
create function pgflow.send_signals(
  run_ids uuid[], step_slugs text[], payloads jsonb[], dedupes text[] default null
)
returns table (run_id uuid, step_slug text, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outcomes text[];
begin
  perform pgflow._check_lengths(
    cardinality(send_signals.run_ids),
    array['step_slugs', 'payloads', 'dedupes'],
    array[
      cardinality(send_signals.step_slugs), cardinality(send_signals.payloads),
      coalesce(cardinality(send_signals.dedupes), cardinality(send_signals.run_ids))
    ]
  );
  perform pgflow._asked_runs(send_signals.run_ids);
  v_outcomes := pgflow._send_signals(
    send_signals.run_ids, send_signals.step_slugs, send_signals.payloads, send_signals.dedupes
  );
  return query
  select i.run_id, i.step_slug, i.outcome
  from unnest(send_signals.run_ids, send_signals.step_slugs, v_outcomes)
    with ordinality i(run_id, step_slug, outcome, position)
  order by i.position;
end;
$$;

-- ---- schema/58_schedules/_check_schedule.sql
-- Refuses a spec that says no schedule (see create_schedule), in words.
create function pgflow._check_schedule(spec jsonb)
returns void
language plpgsql
stable
as $$
declare
  v_mask record;
  v_key text;
begin
  perform pgflow._known_options('schedule', spec, array[
    'cron', 'minutes', 'hours', 'days', 'months', 'weekdays', 'day_or', 'every', 'timezone', 'overlap', 'catch_up',
    'dates', 'times'
  ]);
  if (spec ? 'every') = (spec ? 'minutes') then
    raise exception 'A schedule has either "every" or the masks of a cron expression'
      using errcode = 'PF011', hint = 'Pass {"every": seconds}, or minutes, hours, days, months and weekdays.';
  end if;
  if spec ? 'every' and not pgflow._is_whole(spec -> 'every', 1, 31536000) then
    raise exception 'every must be a whole number of seconds from 1 to 31,536,000, not %', left(spec ->> 'every', 100)
      using errcode = 'PF011', hint = 'Rare fires are better said as a cron expression.';
  end if;
  if spec ? 'minutes' then
    for v_mask in
      select m.key, m.least, m.most
      from (values
        ('minutes', 1, 1152921504606846975), ('hours', 1, 16777215), ('days', 2, 4294967294), ('months', 2, 8190),
        ('weekdays', 1, 127)
      ) m(key, least, most)
      where case jsonb_typeof(spec -> m.key)
        when 'number' then
          (spec ->> m.key)::numeric not between m.least and m.most or (spec ->> m.key)::numeric % 1 <> 0
          or m.least = 2 and (spec ->> m.key)::numeric % 2 = 1
        else true
      end
    loop
      raise exception '% is no mask of a cron expression: %', v_mask.key, coalesce(left(spec ->> v_mask.key, 100), 'missing')
        using errcode = 'PF011', hint = format('Pass a whole number from %s to %s.', v_mask.least, v_mask.most);
    end loop;
    if jsonb_typeof(spec -> 'day_or') is distinct from 'boolean' then
      raise exception 'day_or must be true or false, not %', coalesce(left(spec ->> 'day_or', 100), 'missing')
        using errcode = 'PF011', hint = 'It says whether a day of the month or of the week is enough.';
    end if;
  end if;
  if not exists (select 1 from pg_timezone_names z where z.name = spec ->> 'timezone') then
    raise exception 'The server knows no time zone "%"', coalesce(left(spec ->> 'timezone', 100), 'null')
      using errcode = 'PF011', hint = 'select name from pg_timezone_names lists those it knows.';
  end if;
  if (spec ->> 'overlap' in ('allow', 'skip', 'queue', 'cancel_other')) is not true then
    raise exception 'overlap must be allow, skip, queue or cancel_other, not %', coalesce(left(spec ->> 'overlap', 100), 'missing')
      using errcode = 'PF011', hint = 'It says what a fire does while a run of the schedule is under way.';
  end if;
  if (spec ->> 'catch_up' in ('none', 'latest', 'all')) is not true then
    raise exception 'catch_up must be none, latest or all, not %', coalesce(left(spec ->> 'catch_up', 100), 'missing')
      using errcode = 'PF011', hint = 'It says what becomes of fires that nobody saw to in time.';
  end if;
  foreach v_key in array array['dates', 'times'] loop
    if spec ? v_key and (jsonb_typeof(spec -> v_key) <> 'array' or exists (
      select 1
      from jsonb_array_elements(case jsonb_typeof(spec -> v_key) when 'array' then spec -> v_key else '[]' end) p(path)
      where jsonb_typeof(p.path) <> 'array'
    )) then
      raise exception '% must be a list of paths, not %', v_key, left(spec ->> v_key, 100)
        using errcode = 'PF011', hint = 'A path is a list of keys of the input, as in ["order", "day"].';
    end if;
  end loop;
  if pgflow._next_fire(spec, now()) is null then
    raise exception 'The schedule would never fire: %', coalesce(left(spec ->> 'cron', 200), 'its masks name no day there is')
      using errcode = 'PF011', hint = 'There is no 30 February.';
  end if;
end;
$$;

-- ---- schema/58_schedules/_due_fires.sql
-- Which of a schedule's fires are to be seen to, at most a hundred, and when it fires next after them. Of those that are
-- due all count, or the last one; with catch_up none that is passed over (null) where nobody saw to it within a minute,
-- unless it waited for another run.
create function pgflow._due_fires(
  schedule pgflow.schedules, out fires timestamptz[], out next_fire timestamptz
)
language plpgsql
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_fire timestamptz := (schedule).next_fire;
begin
  if v_fire > v_now then  -- the server's clock was set back, or this was looked at for another reason
    next_fire := v_fire;
    return;
  end if;
  if (schedule).spec ->> 'catch_up' = 'all' then
    while v_fire <= v_now and coalesce(cardinality(fires), 0) < 100 loop
      fires := fires || v_fire;
      v_fire := pgflow._next_fire((schedule).spec, v_fire);
    end loop;
    next_fire := v_fire;
    return;
  end if;
  v_fire := pgflow._last_fire((schedule).spec, v_fire, v_now);
  next_fire := pgflow._next_fire((schedule).spec, v_fire);
  fires := array[case
    when (schedule).spec ->> 'catch_up' = 'latest' or (schedule).last_outcome = 'queued'
      or v_fire > v_now - interval '1 minute'
      then v_fire
  end];
end;
$$;

-- ---- schema/58_schedules/_fire_schedule.sql
-- Sees to what a schedule has to do now. A fire that has to wait for another run is looked at again every few seconds.
-- Callers hold the schedule.
create function pgflow._fire_schedule(schedule pgflow.schedules)
returns void
language plpgsql
as $$
declare
  c_patience constant interval := '5 seconds';
  v_overlap constant text := (schedule).spec ->> 'overlap';
  v_due record;
  v_fire timestamptz;
  v_open uuid[];
  v_run_id uuid;
  v_outcome text;
  v_next timestamptz;
begin
  select d.fires, d.next_fire into v_due from pgflow._due_fires(schedule) d;
  v_next := v_due.next_fire;
  foreach v_fire in array coalesce(v_due.fires, '{}') loop
    v_run_id := null;
    v_outcome := 'missed';
    if v_fire is not null then
      v_open := case when v_overlap <> 'allow' then pgflow._open_scheduled(schedule) end;
      if v_open is not null and v_overlap = 'queue' then
        v_next := case (schedule).spec ->> 'catch_up' when 'all' then v_fire else (schedule).next_fire end;
        v_outcome := 'queued';
      elsif v_open is not null and v_overlap = 'skip' then
        v_outcome := 'skipped';
      else
        if v_open is not null then
          perform 1 from pgflow._cancel_asked(
            v_open, format('the schedule "%s" has started another run', (schedule).schedule_slug),
            format('schedule %s', (schedule).schedule_slug), null
          );
        end if;
        v_run_id := pgflow._start_scheduled(schedule, v_fire);
        v_outcome := 'started';
      end if;
    end if;
    update pgflow.schedules s
    set last_outcome = v_outcome,
        last_fire = case when v_outcome = 'queued' then s.last_fire else coalesce(v_fire, s.last_fire) end,
        last_run_id = coalesce(v_run_id, s.last_run_id)
    where s.family = (schedule).family and s.schedule_slug = (schedule).schedule_slug;
    exit when v_outcome = 'queued';
  end loop;

  update pgflow.schedules s
  set next_fire = v_next
  where s.family = (schedule).family and s.schedule_slug = (schedule).schedule_slug;
  perform pgflow._set_schedule_timer(
    (schedule).family, (schedule).schedule_slug, (schedule).flow_slug,
    case v_outcome when 'queued' then clock_timestamp() + c_patience else v_next end
  );
end;
$$;

-- ---- schema/58_schedules/_fire_schedules.sql
-- Sees to the schedules of these timers, each for itself: one that raises is left for a later time, as other timers are.
-- Those that somebody else has at hand are passed over. One whose flow was deleted goes with it.
create function pgflow._fire_schedules(timer_ids bigint[], out fired_count int, out failed_count int)
language plpgsql
as $$
declare
  v_schedule pgflow.schedules;
begin
  fired_count := 0;
  failed_count := 0;
  delete from pgflow.schedules s
  using pgflow.timers t
  where t.timer_id = any(_fire_schedules.timer_ids)
    and s.family = t.payload ->> 'family' and s.schedule_slug = t.payload ->> 'schedule'
    and not exists (select 1 from pgflow.flows f where f.flow_slug = s.flow_slug);
  delete from pgflow.timers t
  where t.timer_id = any(_fire_schedules.timer_ids) and not exists (
    select 1
    from pgflow.schedules s
    where s.family = t.payload ->> 'family' and s.schedule_slug = t.payload ->> 'schedule'
  );
  for v_schedule in
    select s.*
    from pgflow.schedules s
    where (s.family, s.schedule_slug) in (
      select t.payload ->> 'family', t.payload ->> 'schedule'
      from pgflow.timers t
      where t.timer_id = any(_fire_schedules.timer_ids)
    )
    order by s.family, s.schedule_slug
    for update skip locked
  loop
    begin
      perform pgflow._fire_schedule(v_schedule);
      fired_count := fired_count + 1;
    exception when others then
      failed_count := failed_count + 1;
      perform pgflow._postpone('schedule', t.timer_id, format('%s (%s)', sqlerrm, sqlstate))
      from pgflow.timers t
      where t.timer_id = any(_fire_schedules.timer_ids)
        and t.payload = jsonb_build_object('family', v_schedule.family, 'schedule', v_schedule.schedule_slug);
    end;
  end loop;
end;
$$;

-- ---- schema/58_schedules/_first_fire_of_day.sql
-- The first instant after a time at which a cron expression fires on one day of its zone; null: none.
-- With every hour real time counts: what clocks repeat is there twice, what they skip is not there. With given hours each
-- time they show counts once: of two the first, and one that they skip at the end of the gap.
create function pgflow._first_fire_of_day(spec jsonb, day date, after timestamptz)
returns timestamptz
language plpgsql
stable
as $$
declare
  c_every_hour constant int := 16777215;
  v_minutes constant bigint := (spec ->> 'minutes')::bigint;
  v_hours constant int := (spec ->> 'hours')::int;
  v_zone constant text := spec ->> 'timezone';
  v_now constant timestamp := after at time zone v_zone;  -- what it shows, and all before it, has been shown by then
  v_shown timestamp;
  v_at timestamptz;
  v_end timestamptz;
begin
  if v_hours = c_every_hour then
    v_at := greatest(
      pgflow._wall_time(day, v_zone) - interval '3 hours', date_trunc('minute', after, 'UTC') + interval '1 minute'
    );
    v_end := pgflow._wall_time(day + 1, v_zone) + interval '3 hours';
    while v_at < v_end loop
      v_shown := v_at at time zone v_zone;
      if v_minutes >> extract(minute from v_shown)::int & 1 = 1 and v_shown::date = day then
        return v_at;
      end if;
      v_at := v_at + interval '1 minute';
    end loop;
    return null;
  end if;

  for v_hour in 0 .. 23 loop
    continue when v_hours >> v_hour & 1 = 0 or day + make_interval(hours => v_hour + 1) <= v_now;
    for v_minute in 0 .. 59 loop
      v_shown := day + make_interval(hours => v_hour, mins => v_minute);
      continue when v_minutes >> v_minute & 1 = 0 or v_shown <= v_now;
      v_at := pgflow._wall_time(v_shown, v_zone);
      if v_at > after then
        return v_at;
      end if;
    end loop;
  end loop;
  return null;
end;
$$;

-- ---- schema/58_schedules/_last_fire.sql
-- The last fire of a schedule up to a time, given one of them: halves what lies between.
create function pgflow._last_fire(spec jsonb, fire timestamptz, until timestamptz)
returns timestamptz
language plpgsql
stable
as $$
declare
  v_low timestamptz := fire;
  v_high timestamptz := until;
  v_next timestamptz;
begin
  loop
    v_next := pgflow._next_fire(spec, v_low);
    exit when (v_next <= until) is not true;
    v_low := v_next;
    v_next := pgflow._next_fire(spec, v_low + (v_high - v_low) / 2);
    if v_next <= until then
      v_low := v_next;
    else
      v_high := v_low + (v_high - v_low) / 2;
    end if;
  end loop;
  return v_low;
end;
$$;

-- ---- schema/58_schedules/_locked_schedule.sql
-- The schedule of a flow, any of its versions, for its caller alone. Raises PF001 where there is none.
create function pgflow._locked_schedule(flow_slug text, schedule_slug text)
returns pgflow.schedules
language plpgsql
as $$
declare
  v_schedule pgflow.schedules;
begin
  select s.* into v_schedule
  from pgflow.schedules s
  where s.family = pgflow._family(_locked_schedule.flow_slug) and s.schedule_slug = _locked_schedule.schedule_slug
  for update;
  if not found then
    raise exception 'Flow "%" has no schedule "%"',
      left(_locked_schedule.flow_slug, 200), left(_locked_schedule.schedule_slug, 200)
      using errcode = 'PF001', hint = 'Check both slugs; select * from pgflow.list_schedules() lists what there is.';
  end if;
  return v_schedule;
end;
$$;

-- ---- schema/58_schedules/_next_fire.sql
-- When a schedule fires next after a time; null: never. By seconds: at multiples of so many since 1970, in UTC.
create function pgflow._next_fire(spec jsonb, after timestamptz)
returns timestamptz
language plpgsql
stable
as $$
declare
  c_days constant int := 15000;  -- 29 February on a certain day of the week is there every forty years at least
  v_every constant numeric := (spec ->> 'every')::numeric;
  v_days constant bigint := (spec ->> 'days')::bigint;
  v_months constant int := (spec ->> 'months')::int;
  v_weekdays constant int := (spec ->> 'weekdays')::int;
  v_is_or constant boolean := (spec ->> 'day_or')::boolean;
  v_today constant date := (after at time zone (spec ->> 'timezone'))::date;
  v_day date;
  v_is_day boolean;
  v_is_weekday boolean;
  v_fire timestamptz;
begin
  if v_every is not null then
    return to_timestamp((floor(extract(epoch from after) / v_every) + 1) * v_every);
  end if;

  -- from the day before on: clocks that are turned back at midnight show it again
  for v_number in -1 .. c_days loop
    v_day := v_today + v_number;
    continue when v_months >> extract(month from v_day)::int & 1 = 0;
    v_is_day := v_days >> extract(day from v_day)::int & 1 = 1;
    v_is_weekday := v_weekdays >> extract(dow from v_day)::int & 1 = 1;
    continue when not (v_is_day and v_is_weekday or v_is_or and (v_is_day or v_is_weekday));
    -- for the same reason a day may begin before the one before has ended
    exit when v_fire < pgflow._wall_time(v_day, spec ->> 'timezone');
    v_fire := least(v_fire, pgflow._first_fire_of_day(spec, v_day, after));
  end loop;
  return v_fire;
end;
$$;

-- ---- schema/58_schedules/_open_scheduled.sql
-- The runs of a schedule that are under way, among the hundred it started last.
create function pgflow._open_scheduled(schedule pgflow.schedules)
returns uuid[]
language plpgsql
as $$
begin
  return (
    select array_agg(o.run_id)
    from (
      select l.run_id
      from pgflow.origins l
      where l.kind = 'schedule' and l.family = schedule.family and l.schedule_slug = schedule.schedule_slug
      order by l.fire_at desc
      limit 100
    ) o
    cross join lateral (select l.status from pgflow.runs l where l.run_id = o.run_id limit 1) r
    where r.status = 'started'
  );
end;
$$;

-- ---- schema/58_schedules/_scheduled_input.sql
-- The input of a run that a schedule starts: with the date and the time of the fire where they belong.
create function pgflow._scheduled_input(spec jsonb, input jsonb, fire_at timestamptz)
returns jsonb
language plpgsql
stable
as $$
declare
  v_input jsonb := input;
  v_place record;
begin
  for v_place in
    select array(select k.key from jsonb_array_elements_text(p.path) k(key)) as path, t.value
    from (values
      ('dates', to_char(fire_at at time zone (spec ->> 'timezone'), 'YYYY-MM-DD')),
      ('times', to_char(fire_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    ) t(key, value)
    cross join lateral jsonb_array_elements(coalesce(spec -> t.key, '[]')) p(path)
  loop
    v_input := case
      when v_place.path = '{}' then to_jsonb(v_place.value)
      else jsonb_set(v_input, v_place.path, to_jsonb(v_place.value))
    end;
  end loop;
  return v_input;
end;
$$;

-- ---- schema/58_schedules/_set_schedule_timer.sql
-- Lets a schedule be looked at when it is to fire next, or later: then instead of whatever was to happen before. null:
-- never. Callers hold its row.
create function pgflow._set_schedule_timer(family text, schedule_slug text, flow_slug text, due_at timestamptz)
returns void
language plpgsql
as $$
begin
  delete from pgflow.timers t
  where t.kind = 'schedule' and t.run_id is null
    and t.payload = jsonb_build_object(
      'family', _set_schedule_timer.family, 'schedule', _set_schedule_timer.schedule_slug
    );
  if _set_schedule_timer.due_at is not null then
    perform pgflow._set_timers(
      'schedule', array[_set_schedule_timer.due_at], array[_set_schedule_timer.flow_slug], array[null::uuid], null, null,
      array[jsonb_build_object('family', _set_schedule_timer.family, 'schedule', _set_schedule_timer.schedule_slug)]
    );
  end if;
end;
$$;

-- ---- schema/58_schedules/_start_scheduled.sql
-- Starts the run of a fire; null: it was started before, and this one never is. Callers hold the schedule.
create function pgflow._start_scheduled(schedule pgflow.schedules, fire_at timestamptz)
returns uuid
language plpgsql
as $$
declare
  v_run_id constant uuid := pgflow._new_run_id();
begin
  insert into pgflow.origins (run_id, kind, family, schedule_slug, fire_at)
  values (v_run_id, 'schedule', schedule.family, schedule.schedule_slug, fire_at)
  on conflict do nothing;
  if not found then
    return null;
  end if;
  perform 1
  from pgflow.start_flows(
    schedule.flow_slug, array[pgflow._scheduled_input(schedule.spec, schedule.input, fire_at)], array[v_run_id]
  );
  update pgflow.runs r set has_origin = true where r.run_id = v_run_id;
  return v_run_id;
end;
$$;

-- ---- schema/58_schedules/_utc_offset.sql
-- How far a zone's clocks are ahead of UTC at an instant.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._utc_offset(at timestamptz, timezone text)
returns interval
language sql
stable
as $$ select (_utc_offset.at at time zone _utc_offset.timezone) - (_utc_offset.at at time zone 'UTC') $$;

-- ---- schema/58_schedules/_wall_time.sql
-- The instant at which a zone's clocks show a time: the first of two, and where they skip it, the end of the gap.
create function pgflow._wall_time(shown timestamp, timezone text)
returns timestamptz
language plpgsql
stable
as $$
declare
  v_as_utc constant timestamptz := shown at time zone 'UTC';
  v_before constant interval := pgflow._utc_offset(v_as_utc - interval '1 day', timezone);
  v_at timestamptz := v_as_utc - v_before;
begin
  if v_at at time zone timezone = shown then
    return v_at;
  end if;
  v_at := v_as_utc - pgflow._utc_offset(v_as_utc + interval '1 day', timezone);
  if v_at at time zone timezone = shown then
    return v_at;
  end if;
  -- in a gap, or between two changes within two days: the first instant at which the clocks show that or more
  return (
    select g.at
    from generate_series(v_as_utc - interval '30 hours', v_as_utc + interval '30 hours', interval '1 minute') g(at)
    where g.at at time zone timezone >= shown
    order by g.at
    limit 1
  );
end;
$$;

-- ---- schema/58_schedules/create_schedule.sql
-- for: migrate, operator
-- Starts runs of a flow by the clock, or changes how. A schedule belongs to all versions of its flow, and starts the one
-- that created it last; a pause and the last fire survive. spec:
--   minutes, hours, days, months, weekdays   bits that are set: minute 0 to 59, hour 0 to 23, day 1 to 31, month 1 to 12,
--                       weekday 0 (Sunday) to 6
--   day_or, cron        whether a day of the month or of the week is enough; the expression itself, to be shown
--   every               instead of all these: seconds; it fires at their multiples since 1970, in UTC
--   timezone            of the expression and of dates
--   overlap             allow | skip | queue | cancel_other: what a fire does while a run of the schedule is under way
--   catch_up            none | latest | all: what becomes of fires that nobody saw to in time; none: not if they are more
--                       than a minute late
--   dates, times        paths of the input: where the date of the fire stands, in the zone, or its time, in UTC
-- Raises PF001 for an unknown flow, PF011 for a spec that is none.
create function pgflow.create_schedule(flow_slug text, schedule_slug text, spec jsonb, input jsonb)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_family constant text := pgflow._family(create_schedule.flow_slug);
  v_before record;
  v_next timestamptz;
begin
  perform pgflow._check_flows(array[create_schedule.flow_slug]);
  perform pgflow._check_schedule(create_schedule.spec);

  insert into pgflow.schedules as s (family, schedule_slug, flow_slug, spec, input)
  values (
    v_family, create_schedule.schedule_slug, create_schedule.flow_slug, create_schedule.spec, create_schedule.input
  )
  on conflict on constraint schedules_pkey do nothing;
  select s.spec, s.is_paused, s.next_fire, s.last_fire into v_before
  from pgflow.schedules s
  where s.family = v_family and s.schedule_slug = create_schedule.schedule_slug
  for update;

  -- the same times go on where they are, with what nobody has seen to yet
  v_next := case when v_before.spec - 'cron' = create_schedule.spec - 'cron' then v_before.next_fire end;
  if v_next is null and not v_before.is_paused then
    v_next := pgflow._next_fire(create_schedule.spec, greatest(v_before.last_fire, clock_timestamp()));
  end if;
  update pgflow.schedules s
  set flow_slug = create_schedule.flow_slug, spec = create_schedule.spec, input = create_schedule.input,
      next_fire = v_next
  where s.family = v_family and s.schedule_slug = create_schedule.schedule_slug;
  perform pgflow._set_schedule_timer(v_family, create_schedule.schedule_slug, create_schedule.flow_slug, v_next);
end;
$$;

-- ---- schema/58_schedules/drop_schedule.sql
-- for: migrate, operator
-- Ends a schedule that this version of its flow has created; its runs go on. Returns whether there was one.
create function pgflow.drop_schedule(flow_slug text, schedule_slug text)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_family constant text := pgflow._family(drop_schedule.flow_slug);
begin
  delete from pgflow.schedules s
  where s.family = v_family and s.schedule_slug = drop_schedule.schedule_slug and s.flow_slug = drop_schedule.flow_slug;
  if not found then
    return false;
  end if;
  perform pgflow._set_schedule_timer(v_family, drop_schedule.schedule_slug, drop_schedule.flow_slug, null);
  return true;
end;
$$;

-- ---- schema/58_schedules/fire_schedule.sql
-- for: operator
-- Starts a run of a schedule now, whatever it is at, also while it is paused; when it fires next stays as it is. Returns
-- the run. Raises PF001 where there is none.
create function pgflow.fire_schedule(flow_slug text, schedule_slug text, actor text default null)
returns uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schedule constant pgflow.schedules := pgflow._locked_schedule(fire_schedule.flow_slug, fire_schedule.schedule_slug);
  v_run_id constant uuid := pgflow._start_scheduled(v_schedule, clock_timestamp());
begin
  update pgflow.schedules s
  set last_run_id = v_run_id, last_outcome = 'started'
  where s.family = v_schedule.family and s.schedule_slug = v_schedule.schedule_slug;
  perform pgflow._note_action(
    'fire_schedule', fire_schedule.actor, v_schedule.flow_slug, array[v_run_id], array['started'],
    jsonb_build_object('schedule', v_schedule.schedule_slug)
  );
  return v_run_id;
end;
$$;

-- ---- schema/58_schedules/next_fires.sql
-- for: client
-- When a schedule fires next, up to so many times (100 at most), as if nothing were late; no rows while it is paused, or
-- where there is no such schedule of the flow, in whatever version.
create function pgflow.next_fires(flow_slug text, schedule_slug text, max_count int default 5)
returns setof timestamptz
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schedule record;
  v_fire timestamptz;
begin
  select s.spec, s.next_fire into v_schedule
  from pgflow.schedules s
  where s.family = pgflow._family(next_fires.flow_slug) and s.schedule_slug = next_fires.schedule_slug
    and not s.is_paused;
  v_fire := v_schedule.next_fire;
  for v_number in 1 .. least(next_fires.max_count, 100) loop
    exit when v_fire is null;
    return next v_fire;
    v_fire := pgflow._next_fire(v_schedule.spec, v_fire);
  end loop;
end;
$$;

-- ---- schema/58_schedules/pause_schedule.sql
-- for: operator
-- Pauses a schedule: it does not fire, and what it misses is not caught up on. Returns whether that changed anything.
-- Raises PF001 where there is none.
create function pgflow.pause_schedule(flow_slug text, schedule_slug text, actor text default null)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schedule constant pgflow.schedules := pgflow._locked_schedule(pause_schedule.flow_slug, pause_schedule.schedule_slug);
begin
  perform pgflow._note_action(
    'pause_schedule', pause_schedule.actor, v_schedule.flow_slug, null, null,
    jsonb_build_object('schedule', v_schedule.schedule_slug, 'changed', not v_schedule.is_paused)
  );
  if v_schedule.is_paused then
    return false;
  end if;
  update pgflow.schedules s
  set is_paused = true, next_fire = null
  where s.family = v_schedule.family and s.schedule_slug = v_schedule.schedule_slug;
  perform pgflow._set_schedule_timer(v_schedule.family, v_schedule.schedule_slug, v_schedule.flow_slug, null);
  return true;
end;
$$;

-- ---- schema/58_schedules/resume_schedule.sql
-- for: operator
-- Lets a paused schedule fire again, from now on. Returns whether that changed anything. Raises PF001 where there is none.
create function pgflow.resume_schedule(flow_slug text, schedule_slug text, actor text default null)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schedule constant pgflow.schedules := pgflow._locked_schedule(resume_schedule.flow_slug, resume_schedule.schedule_slug);
  v_next timestamptz;
begin
  perform pgflow._note_action(
    'resume_schedule', resume_schedule.actor, v_schedule.flow_slug, null, null,
    jsonb_build_object('schedule', v_schedule.schedule_slug, 'changed', v_schedule.is_paused)
  );
  if not v_schedule.is_paused then
    return false;
  end if;
  v_next := pgflow._next_fire(v_schedule.spec, greatest(v_schedule.last_fire, clock_timestamp()));
  update pgflow.schedules s
  set is_paused = false, next_fire = v_next
  where s.family = v_schedule.family and s.schedule_slug = v_schedule.schedule_slug;
  perform pgflow._set_schedule_timer(v_schedule.family, v_schedule.schedule_slug, v_schedule.flow_slug, v_next);
  return true;
end;
$$;

-- ---- schema/59_children/_await_run.sql
-- Locks a run that others hold again and again, as they do one with many children: waits for its turn, but not for long.
-- Callers hold no run.
create function pgflow._await_run(run_id uuid)
returns uuid[]
language plpgsql
as $$
begin
  return array(select r.run_id from pgflow.runs r where r.run_id = _await_run.run_id for no key update);
exception when lock_not_available then
  return null;
end;
$$;

-- ---- schema/59_children/_begin_children.sql
-- Tasks of subflow steps among those that are to be completed (as in _complete) start a child each, whose input is the
-- output given, and wait for it. What has no child fails its attempt: the flow is not there, or the runs are too deep.
-- Callers hold the runs. Returns the positions of both, with what to say of the latter, and the children.
create function pgflow._begin_children(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  fenced boolean,
  out begun_positions bigint[],
  out child_ids uuid[],
  out refused_positions bigint[],
  out refused_messages text[],
  out retryable boolean[]
)
language plpgsql
as $$
declare
  v_most_depth constant int := 16;
  v_asked record;
  v_flow_slug text;
  v_group record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select
    array_agg(c.position) filter (where c.reason is null) as positions,
    array_agg(c.run_id) filter (where c.reason is null) as run_ids,
    array_agg(c.step_slug) filter (where c.reason is null) as step_slugs,
    array_agg(c.task_index) filter (where c.reason is null) as task_indexes,
    array_agg(c.attempt) filter (where c.reason is null) as attempts,
    array_agg(c.flow_slug) filter (where c.reason is null) as flow_slugs,
    array_agg(c.msg_id) filter (where c.reason is null) as msg_ids,
    array_agg(c.child_slug) filter (where c.reason is null) as child_slugs,
    array_agg(c.depth) filter (where c.reason is null) as depths,
    array_agg(coalesce(c.output, 'null')) filter (where c.reason is null) as inputs,
    array_agg(c.trace_context) filter (where c.reason is null) as trace_contexts,
    array_agg(c.position) filter (where c.reason is not null) as refused_positions,
    array_agg(c.reason) filter (where c.reason is not null) as reasons,
    array_agg(c.is_missing) filter (where c.reason is not null) as retryable
  into v_asked
  from (
    select distinct on (g.run_id, g.step_slug, g.task_index)
      g.position, g.run_id, g.step_slug, g.task_index, g.output, r.flow_slug, r.trace_context,
      t.attempts_count as attempt, t.message_id as msg_id, st.child_slug, d.depth, p.flow_slug is null as is_missing,
      case
        when p.flow_slug is null then format(
          'SubflowMissing: the flow "%s" is not in this database; apply its migration', st.child_slug
        )
        when d.depth > v_most_depth then format(
          'SubflowTooDeep: a run would start another one %s deep, and at most %s are allowed', d.depth, v_most_depth
        )
        when d.depth > st.max_depth then format(
          'SubflowTooDeep: a run would start another one %s deep, and max_depth of the step is %s', d.depth, st.max_depth
        )
        when p.has_root_maps and jsonb_typeof(g.output) is distinct from 'array' then format(
          'SubflowInput: the flow "%s" goes over its input, which must be an array', st.child_slug
        )
      end as reason
    from unnest(
      _begin_children.worker_ids, _begin_children.run_ids, _begin_children.step_slugs, _begin_children.task_indexes,
      _begin_children.attempts, _begin_children.outputs
    ) with ordinality g(worker_id, run_id, step_slug, task_index, attempt, output, position)
    cross join lateral (select * from pgflow.runs l where l.run_id = g.run_id limit 1) r
    cross join lateral (
      select l.options ->> 'subflow' as child_slug, (l.options ->> 'max_depth')::int as max_depth
      from pgflow.steps l
      where l.flow_slug = r.flow_slug and l.step_slug = g.step_slug and l.kind = 'subflow'
      limit 1
    ) st
    cross join lateral (
      select l.status from pgflow.step_states l where l.run_id = g.run_id and l.step_slug = g.step_slug limit 1
    ) s
    cross join lateral (
      select *
      from pgflow.step_tasks l
      where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      limit 1
    ) t
    cross join lateral (
      select 1 + coalesce((select o.depth from pgflow.origins o where r.has_origin and o.run_id = r.run_id), 0) as depth
    ) d
    left join lateral (
      select l.flow_slug, l.has_root_maps from pgflow.prepared_flows l where l.flow_slug = st.child_slug limit 1
    ) p on true
    where r.status = 'started' and s.status = 'started' and t.status = 'started'
      and (not _begin_children.fenced or (t.last_worker_id = g.worker_id and t.attempts_count = g.attempt))
    order by g.run_id, g.step_slug, g.task_index, g.position
  ) c;
  begun_positions := v_asked.positions;
  refused_positions := v_asked.refused_positions;
  refused_messages := v_asked.reasons;
  retryable := v_asked.retryable;
  if v_asked.positions is null then
    return;
  end if;

  perform pgflow._archive(v_asked.flow_slugs, v_asked.msg_ids);
  update pgflow.step_tasks t
  set status = 'queued', waits_for = 'child', message_id = null
  from (
    select *
    from unnest(v_asked.run_ids, v_asked.step_slugs, v_asked.task_indexes) g(run_id, step_slug, task_index)
    limit v_all
  ) c
  where t.run_id = c.run_id and t.step_slug = c.step_slug and t.task_index = c.task_index;

  -- origins first: a child may end as it starts
  child_ids := array(select pgflow._new_run_id() from generate_series(1, cardinality(v_asked.positions)));
  insert into pgflow.origins (run_id, kind, from_run_id, step_slug, task_index, attempt, depth)
  select *
  from unnest(
    child_ids, array_fill('child'::text, array[cardinality(child_ids)]), v_asked.run_ids, v_asked.step_slugs,
    v_asked.task_indexes, v_asked.attempts, v_asked.depths
  );
  foreach v_flow_slug in array pgflow._distinct(v_asked.child_slugs) loop
    select array_agg(c.input order by c.position) as inputs, array_agg(c.run_id order by c.position) as run_ids,
      array_agg(c.trace_context order by c.position) as trace_contexts
    into v_group
    from unnest(v_asked.child_slugs, v_asked.inputs, child_ids, v_asked.trace_contexts)
      with ordinality c(flow_slug, input, run_id, trace_context, position)
    where c.flow_slug = v_flow_slug;
    perform pgflow._start_flows(v_flow_slug, v_group.inputs, v_group.run_ids, v_group.trace_contexts, null, true);
  end loop;
end;
$$;

-- ---- schema/59_children/_child_of.sql
-- The child that a task has started in its latest attempt, if any.
create function pgflow._child_of(task pgflow.step_tasks)
returns uuid
language plpgsql
stable
as $$
begin
  return (
    select o.run_id
    from pgflow.origins o
    where o.kind = 'child' and o.from_run_id = (task).run_id and o.step_slug = (task).step_slug
      and o.task_index = (task).task_index and o.attempt = (task).attempts_count
  );
end;
$$;

-- ---- schema/59_children/_children_of.sql
-- The first children, at most max_count, that a timer is about: those under way that nobody waits for (cancel_children), or
-- those that ended badly and are waited for (retry_children). last: of a full page, where the next one begins, as a timer's
-- payload; why: what has become of the run. Callers hold the timer's run.
create function pgflow._children_of(timer pgflow.timers, max_count int, out run_ids uuid[], out last jsonb, out why text)
language plpgsql
as $$
declare
  v_is_cancel constant boolean := (timer).kind = 'cancel_children';
  v_after constant jsonb := (timer).payload;
begin
  with found as (
    select o.run_id, o.step_slug, o.task_index, o.attempt
    from pgflow.origins o
    cross join lateral (select l.status from pgflow.runs l where l.run_id = o.run_id limit 1) c
    where o.kind = 'child' and o.from_run_id = (timer).run_id
      and ((timer).step_slug is null or o.step_slug = (timer).step_slug)
      and (
        v_after is null or (o.step_slug, o.task_index, o.attempt)
          > (v_after ->> 'step_slug', (v_after ->> 'task_index')::int, (v_after ->> 'attempt')::int)
      )
      and case when v_is_cancel then c.status = 'started' else c.status in ('failed', 'cancelled') end
      and pgflow._is_awaited(o.from_run_id, o.step_slug, o.task_index, o.attempt) <> v_is_cancel
    order by o.step_slug, o.task_index, o.attempt
    limit _children_of.max_count
  )
  select array_agg(f.run_id), case when count(*) >= _children_of.max_count then
    to_jsonb((array_agg(jsonb_build_object('step_slug', f.step_slug, 'task_index', f.task_index, 'attempt', f.attempt)))[count(*)])
  end
  into run_ids, last
  from found f;

  why := format('the run %s that started it %s', (timer).run_id, coalesce((
    select case r.status when 'failed' then 'has failed' when 'cancelled' then 'was cancelled' end
    from pgflow.runs r
    where r.run_id = (timer).run_id
  ), 'goes on without it'));
end;
$$;

-- ---- schema/59_children/_due_children.sql
-- The children that ended first and are due, read without locks, at most max_count, with their parents, and the parent
-- of the first. is_whole: below the floor too (_due_timers).
create function pgflow._due_children(
  max_count int, is_whole boolean, out ended_ids bigint[], out run_ids uuid[], out first_run_id uuid
)
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp();  -- a variable, so that the index is read up to here and no further
  v_floor timestamptz := (select f.ended_due_at from pgflow.timer_floor f where f.is_only);
begin
  select array_agg(d.ended_id), array_agg(distinct d.run_id), (array_agg(d.run_id order by d.due_at, d.ended_id))[1]
  into ended_ids, run_ids, first_run_id
  from (
    select e.ended_id, e.run_id, e.due_at
    from pgflow.ended_children e
    where e.due_at >= case when _due_children.is_whole or v_floor is null then '-infinity' else v_floor end
      and e.due_at <= v_now
      and (e.tried_at is null or e.tried_at < v_now - interval '200 milliseconds')
    order by e.due_at, e.ended_id
    limit _due_children.max_count
  ) d;
end;
$$;

-- ---- schema/59_children/_fail_children.sql
-- Fails the attempts of tasks (keys, with their fences) whose children have ended badly. A retry needs the message that
-- waiting tasks have not. Callers hold the runs.
create function pgflow._fail_children(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  error_messages text[],
  retryable boolean[]
)
returns void
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  perform pgflow._send_anew(_fail_children.run_ids, _fail_children.step_slugs, _fail_children.task_indexes, null);
  update pgflow.step_tasks t
  set status = 'started', started_at = greatest(t.started_at, t.queued_at)
  from (
    select *
    from unnest(_fail_children.run_ids, _fail_children.step_slugs, _fail_children.task_indexes)
      g(run_id, step_slug, task_index)
    limit v_all
  ) c
  where t.run_id = c.run_id and t.step_slug = c.step_slug and t.task_index = c.task_index and t.status = 'queued';
  perform 1 from pgflow._fail(
    _fail_children.worker_ids, _fail_children.run_ids, _fail_children.step_slugs, _fail_children.task_indexes,
    _fail_children.attempts, _fail_children.error_messages, _fail_children.retryable, null, true
  );
end;
$$;

-- ---- schema/59_children/_fire_children_timers.sql
-- Cancels the children that the runs, or steps, of these timers do not wait for, or retries in place those that failed or
-- were cancelled and are waited for again; of each timer as many as may stay locked until the commit. The rest, and
-- those that somebody else holds, are left to a timer after it: whoever holds a parent never waits for its child.
-- Callers hold the runs.
create function pgflow._fire_children_timers(kind text, timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_most constant int := 1000;
  v_timer pgflow.timers;
  v_page record;
  v_locked uuid[];
begin
  for v_timer in
    select * from pgflow.timers t where t.timer_id = any(timer_ids) order by t.due_at, t.timer_id
  loop
    select * into v_page from pgflow._children_of(v_timer, v_most);
    continue when v_page.run_ids is null;
    select array_agg(l.run_id) into v_locked
    from (
      select r.run_id
      from pgflow.runs r
      where r.run_id = any(v_page.run_ids) and (r.status = 'started') = (_fire_children_timers.kind = 'cancel_children')
      order by r.run_id
      for no key update skip locked
    ) l;
    if v_locked is not null and _fire_children_timers.kind = 'cancel_children' then
      perform pgflow._cancel_runs(v_locked, format('nobody waits for it: %s', v_page.why));
    elsif v_locked is not null then
      v_locked := pgflow._retry_children(v_locked);
    end if;
    if cardinality(v_page.run_ids) > coalesce(cardinality(v_locked), 0) then
      -- the same ones once more: some were held, or had just ended
      insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, payload)
      values (
        clock_timestamp() + interval '100 milliseconds', v_timer.kind, v_timer.flow_slug, v_timer.run_id,
        v_timer.step_slug, v_timer.payload
      );
    elsif v_page.last is not null then
      insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, payload)
      values (clock_timestamp(), v_timer.kind, v_timer.flow_slug, v_timer.run_id, v_timer.step_slug, v_page.last);
    end if;
  end loop;
end;
$$;

-- ---- schema/59_children/_fire_ended_children.sql
-- Children that have ended (rows of ended_children): the output of a completed one is its task's, a failed one is a failed
-- attempt of it, a cancelled one is its last. Whatever the task waits for no more, or what has been retried meanwhile, is
-- let go. A child that somebody holds may be about to be retried: it is looked at again. Callers hold the parents.
create function pgflow._fire_ended_children(ended_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_locked uuid[];  -- of the children that have not completed, which alone may go on
  v_over record;
begin
  select array_agg(l.run_id) into v_locked
  from (
    select r.run_id
    from pgflow.runs r
    where r.run_id = any(array(select e.child_run_id from pgflow.ended_children e where e.ended_id = any(ended_ids)))
      and r.status <> 'completed'
    order by r.run_id
    for share skip locked
  ) l;

  select
    array_agg(j.run_id order by j.ended_id) filter (where j.verdict = 'completed') as done_run_ids,
    array_agg(j.step_slug order by j.ended_id) filter (where j.verdict = 'completed') as done_step_slugs,
    array_agg(j.task_index order by j.ended_id) filter (where j.verdict = 'completed') as done_task_indexes,
    array_agg(coalesce(j.output, '{}') order by j.ended_id) filter (where j.verdict = 'completed') as outputs,
    array_agg(j.run_id order by j.ended_id) filter (where j.verdict = 'failed') as run_ids,
    array_agg(j.step_slug order by j.ended_id) filter (where j.verdict = 'failed') as step_slugs,
    array_agg(j.task_index order by j.ended_id) filter (where j.verdict = 'failed') as task_indexes,
    array_agg(j.attempt order by j.ended_id) filter (where j.verdict = 'failed') as attempts,
    array_agg(j.last_worker_id order by j.ended_id) filter (where j.verdict = 'failed') as worker_ids,
    array_agg(j.message order by j.ended_id) filter (where j.verdict = 'failed') as messages,
    array_agg(j.is_retryable order by j.ended_id) filter (where j.verdict = 'failed') as retryable,
    array_agg(j.ended_id) filter (where j.verdict = 'busy') as busy_ids
  into v_over
  from (
    select distinct on (e.run_id, e.step_slug, e.task_index)
      e.ended_id, e.run_id, e.step_slug, e.task_index, e.attempt, t.last_worker_id, c.output,
      -- runs that start each other without an end would be that often more with each level
      c.status is not distinct from 'failed' and coalesce(
        c.error_message !~ '^(ChildFailed: the child run \S+ of flow "\w+" has failed: )*SubflowTooDeep: ', true
      ) as is_retryable,
      case
        when c.status is null then format('ChildDeleted: the child run %s is no more', e.child_run_id)
        when c.status = 'cancelled' then format(
          'ChildCancelled: the child run %s of flow "%s" was cancelled%s', e.child_run_id, c.flow_slug,
          coalesce(': ' || nullif(c.cancel_reason, ''), '')
        )
        else format(
          'ChildFailed: the child run %s of flow "%s" has failed: %s', e.child_run_id, c.flow_slug,
          coalesce(c.error_message, 'no reason given')
        )
      end as message,
      case
        when c.status = 'started' then 'gone on'
        when c.status = 'completed' then 'completed'
        when c.status is null or e.child_run_id = any(v_locked) then 'failed'
        else 'busy'
      end as verdict
    from (select * from pgflow.ended_children l where l.ended_id = any(ended_ids) offset 0) e
    cross join lateral (select l.status from pgflow.runs l where l.run_id = e.run_id limit 1) r
    cross join lateral (
      select l.status from pgflow.step_states l where l.run_id = e.run_id and l.step_slug = e.step_slug limit 1
    ) s
    cross join lateral (
      select *
      from pgflow.step_tasks l
      where l.run_id = e.run_id and l.step_slug = e.step_slug and l.task_index = e.task_index
      limit 1
    ) t
    left join lateral (select * from pgflow.runs l where l.run_id = e.child_run_id limit 1) c on true
    where r.status = 'started' and s.status = 'started'
      and t.status = 'queued' and t.waits_for = 'child' and t.attempts_count = e.attempt
    order by e.run_id, e.step_slug, e.task_index, e.ended_id desc
  ) j;

  if v_over.done_run_ids is not null then
    perform 1 from pgflow._complete(
      array_fill(null::uuid, array[cardinality(v_over.outputs)]), v_over.done_run_ids, v_over.done_step_slugs,
      v_over.done_task_indexes, array_fill(null::int, array[cardinality(v_over.outputs)]), v_over.outputs, 0, '{}', false,
      true
    );
  end if;
  if v_over.run_ids is not null then
    perform pgflow._fail_children(
      v_over.worker_ids, v_over.run_ids, v_over.step_slugs, v_over.task_indexes, v_over.attempts, v_over.messages,
      v_over.retryable
    );
  end if;
  with told as (
    delete from pgflow.ended_children e
    where e.ended_id = any(ended_ids) and (e.ended_id = any(v_over.busy_ids)) is not true
    returning e.run_id
  )
  update pgflow.timers t  -- an undo may wait for that
  set due_at = clock_timestamp()
  where t.run_id = any(array(select distinct d.run_id from told d)) and t.kind = 'companions'
    and t.payload ->> 'waits_for' = 'children';
  update pgflow.ended_children e set tried_at = clock_timestamp() where e.ended_id = any(v_over.busy_ids);
end;
$$;

-- ---- schema/59_children/_is_awaited.sql
-- Whether a task waits for the child that it started in that attempt.
create function pgflow._is_awaited(run_id uuid, step_slug text, task_index int, attempt int)
returns boolean
language plpgsql
as $$
begin
  return exists (
    select 1
    from pgflow.step_tasks t
    join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = t.step_slug
    join pgflow.runs r on r.run_id = t.run_id
    where t.run_id = _is_awaited.run_id and t.step_slug = _is_awaited.step_slug
      and t.task_index = _is_awaited.task_index
      and t.status = 'queued' and t.waits_for = 'child' and t.attempts_count = _is_awaited.attempt
      and s.status = 'started' and r.status = 'started'
  );
end;
$$;

-- ---- schema/59_children/_may_be_pruned.sql
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

-- ---- schema/59_children/_note_ends.sql
-- Those of these runs, which have just ended, that are children: their parents will hear of it; and what follows the ends
-- of any will be started. Callers hold the runs.
create function pgflow._note_ends(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_parent_ids uuid[];
begin
  perform pgflow._note_companions(_note_ends.run_ids);
  with noted as (
    insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
    select o.from_run_id, o.step_slug, o.task_index, o.attempt, o.run_id
    from unnest(_note_ends.run_ids) i(run_id)
    cross join lateral (select l.has_origin from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select * from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'child' limit 1
    ) o
    returning run_id
  )
  select array_agg(distinct n.run_id) into v_parent_ids from noted n;
  if v_parent_ids is not null and exists (select 1 from pgflow.announcements) then
    perform pgflow._notify(pgflow._flows_of(v_parent_ids), null);  -- idle workers look when the next thing is due
  end if;
end;
$$;

-- ---- schema/59_children/_retry_children.sql
-- Retries children in place, for parents that wait for them again. One that has been undone is not taken up again: its
-- parent's attempt has failed, and the next makes another. Returns those that are seen to; the companions of the others are
-- not over. Callers hold the children.
create function pgflow._retry_children(run_ids uuid[])
returns uuid[]
language plpgsql
as $$
declare
  v_companions record;
  v_seen_to uuid[];
  v_retried uuid[];
begin
  select coalesce(c.busy_run_ids, '{}') as busy, coalesce(c.undone_run_ids, '{}') as undone
  into v_companions
  from pgflow._companions_of(_retry_children.run_ids) c;
  v_seen_to := array(select i.run_id from unnest(_retry_children.run_ids) i(run_id) where i.run_id <> all(v_companions.busy));
  insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
  select o.from_run_id, o.step_slug, o.task_index, o.attempt, o.run_id
  from pgflow.origins o
  where o.run_id = any(v_seen_to) and o.run_id = any(v_companions.undone) and o.kind = 'child';
  v_retried := array(select i.run_id from unnest(v_seen_to) i(run_id) where i.run_id <> all(v_companions.undone));
  if v_retried <> '{}' then
    perform pgflow._retry_runs(v_retried, 0);
  end if;
  return v_seen_to;
end;
$$;

-- ---- schema/59_children/_set_children_timers.sql
-- Has the children of these runs, or of these steps (pairs), cancelled or retried by fire_timers, after delays[i] seconds: it
-- finds out which of them that is about when it does so, as many as it may in one transaction. Callers hold the runs.
create function pgflow._set_children_timers(
  kind text, run_ids uuid[], step_slugs text[] default null, delays double precision[] default null
)
returns void
language plpgsql
as $$
declare
  v_flow_slugs text[] := pgflow._flows_of(_set_children_timers.run_ids);
begin
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug)
  select clock_timestamp() + make_interval(secs => coalesce(i.delay, 0)), _set_children_timers.kind, i.flow_slug, i.run_id,
    i.step_slug
  from unnest(
    v_flow_slugs, _set_children_timers.run_ids, _set_children_timers.step_slugs, _set_children_timers.delays
  ) i(flow_slug, run_id, step_slug, delay);
  perform pgflow._notify(v_flow_slugs, null);
end;
$$;

-- ---- schema/59_children/_take_up_children.sql
-- Tasks of runs that are retried (keys, with their attempts) wait for the children that they had: of those that have
-- completed they are told, those that failed or were cancelled are retried in place, in run i after delays[i] seconds; one
-- that is under way goes on. Callers hold the runs.
create function pgflow._take_up_children(
  parent_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  run_ids uuid[],
  delays double precision[]
)
returns void
language plpgsql
as $$
declare
  v_ended record;
begin
  with children as (
    select o.*, c.status
    from unnest(
      _take_up_children.parent_ids, _take_up_children.step_slugs, _take_up_children.task_indexes,
      _take_up_children.attempts
    ) p(run_id, step_slug, task_index, attempt)
    cross join lateral (
      select *
      from pgflow.origins l
      where l.kind = 'child' and l.from_run_id = p.run_id and l.step_slug = p.step_slug
        and l.task_index = p.task_index and l.attempt = p.attempt
      limit 1
    ) o
    cross join lateral (select l.status from pgflow.runs l where l.run_id = o.run_id limit 1) c
  ),
  told as (
    insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
    select c.from_run_id, c.step_slug, c.task_index, c.attempt, c.run_id
    from children c
    where c.status = 'completed'
  )
  select array_agg(i.run_id) as run_ids, array_agg(i.delay) as delays
  into v_ended
  from unnest(_take_up_children.run_ids, _take_up_children.delays) i(run_id, delay)
  where i.run_id in (select c.from_run_id from children c where c.status in ('failed', 'cancelled'));
  if v_ended.run_ids is not null then
    perform pgflow._set_children_timers('retry_children', v_ended.run_ids, null, v_ended.delays);
  end if;
end;
$$;

-- ---- schema/59_children/_told_due.sql
-- One row 'due' where one of these runs has just ended as a child, or something is to follow its end: the caller's worker sees to it
-- at once.
create function pgflow._told_due(run_ids uuid[])
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_due pgflow.task_result;
begin
  if exists (
    select 1
    from unnest(_told_due.run_ids) i(run_id)
    cross join lateral (select 1 from pgflow.ended_children l where l.child_run_id = i.run_id limit 1) e
  ) or exists (
    select 1
    from unnest(_told_due.run_ids) i(run_id)
    left join pgflow.origins o on o.run_id = i.run_id and o.kind = 'undo'
    cross join lateral (
      select 1
      from pgflow.timers l
      where l.run_id in (i.run_id, o.from_run_id) and l.kind = 'companions' and l.due_at <= clock_timestamp()
      limit 1
    ) t
  ) then
    v_due.outcome := 'due';
    return next v_due;
  end if;
end;
$$;

-- ---- schema/59_children/_unawaited.sql
-- Of these runs the children whose parents do not wait for them, each with the run at the root of them all, as
-- far as it is there: that is the one to retry.
create function pgflow._unawaited(run_ids uuid[], out child_ids uuid[], out root_ids uuid[])
language plpgsql
as $$
begin
  with recursive up(child_id, run_id, depth) as (
    select o.run_id, o.from_run_id, 1
    from unnest(_unawaited.run_ids) i(run_id)
    cross join lateral (select l.has_origin from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select * from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'child' limit 1
    ) o
    where not pgflow._is_awaited(o.from_run_id, o.step_slug, o.task_index, o.attempt)
    union all
    select u.child_id, o.from_run_id, u.depth + 1
    from up u
    join pgflow.origins o on o.run_id = u.run_id and o.kind = 'child'
    where u.depth < 100
  )
  select array_agg(u.child_id), array_agg(u.run_id) into child_ids, root_ids
  from (select distinct on (l.child_id) * from up l order by l.child_id, l.depth desc) u;
end;
$$;

-- ---- schema/59_companions/_companions_of.sql
-- Whether something of what follows these runs' ends is still to be done, or under way; and whether they were undone, as far
-- as that went. Callers hold the runs.
create function pgflow._companions_of(run_ids uuid[], out busy_run_ids uuid[], out undone_run_ids uuid[])
language plpgsql
as $$
begin
  select
    array_agg(i.run_id) filter (
      where exists (select 1 from pgflow.timers t where t.run_id = i.run_id and t.kind = 'companions')
        or exists (
          select 1
          from pgflow.origins o
          join pgflow.runs c on c.run_id = o.run_id
          where o.from_run_id = i.run_id and o.kind in ('end', 'undo') and c.status = 'started'
        )
    ),
    array_agg(i.run_id) filter (
      where exists (select 1 from pgflow.origins o where o.from_run_id = i.run_id and o.kind = 'undo')
    )
  into busy_run_ids, undone_run_ids
  from unnest(_companions_of.run_ids) i(run_id)
  cross join lateral (select l.end_count from pgflow.runs l where l.run_id = i.run_id limit 1) r
  where r.end_count is not null;
end;
$$;

-- ---- schema/59_companions/_fire_companions.sql
-- Starts what follows the ends of these timers' runs: the undo, if there is something to undo; else, or when the undo has
-- ended, the ends. An undo waits until all children of its run have ended, as they are being cancelled, and until their own
-- undos have: what they did rests on what is undone here. It is told when that is so (_fire_ended_children), and looks by
-- itself now and then. Callers hold the runs.
create function pgflow._fire_companions(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_timer record;
  v_run pgflow.runs;
  v_options jsonb;
  v_waited interval;
begin
  for v_timer in
    select t.run_id, t.payload, (t.payload ->> 'number')::int as number, t.payload ->> 'undone' as undone
    from pgflow.timers t
    where t.timer_id = any(timer_ids)
    order by t.due_at, t.timer_id
  loop
    select r.* into v_run from pgflow.runs r where r.run_id = v_timer.run_id and r.status <> 'started';
    continue when not found;
    select f.options into v_options from pgflow.flows f where f.flow_slug = v_run.flow_slug;
    if v_timer.undone is null and v_run.status <> 'completed' and v_options ? 'undo' then
      if pgflow._has_open_children(v_run.run_id) then
        v_waited := clock_timestamp() - coalesce(v_run.failed_at, v_run.cancelled_at);
        insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload)
        values (
          clock_timestamp() + greatest(interval '200 milliseconds', least(v_waited / 5, interval '10 minutes')),
          'companions', v_run.flow_slug, v_run.run_id, v_timer.payload || '{"waits_for": "children"}'
        );
        continue;
      end if;
      continue when pgflow._start_undo(v_run, v_timer.number, v_options -> 'undo');
    end if;
    perform pgflow._note_undone(v_run);
    perform pgflow._start_companion(
      e.slug, 'end', v_run, v_timer.number, e.rule,
      pgflow._step_outputs(v_run.run_id, coalesce(e.rule -> 'steps', '[]')), coalesce(v_timer.undone, 'nothing')
    )
    from jsonb_each(v_options -> 'ends') e(slug, rule)
    where e.rule ->> 'on' in (v_run.status, 'always');
  end loop;
end;
$$;

-- ---- schema/59_companions/_has_open_children.sql
-- Whether children of an ended run still go on, or are to be undone yet: what they did rests on what their parent did before.
create function pgflow._has_open_children(run_id uuid)
returns boolean
language plpgsql
stable
as $$
begin
  return exists (
    select 1
    from pgflow.origins o
    cross join lateral (select l.status, l.end_count from pgflow.runs l where l.run_id = o.run_id limit 1) c
    where o.kind = 'child' and o.from_run_id = _has_open_children.run_id
      and (
        c.status = 'started'
        or c.end_count is not null and c.status <> 'completed' and (
          exists (
            select 1
            from pgflow.timers t
            where t.run_id = o.run_id and t.kind = 'companions' and not t.payload ? 'undone'
          )
          or exists (
            select 1
            from pgflow.origins u
            cross join lateral (select l.status from pgflow.runs l where l.run_id = u.run_id limit 1) r
            where u.from_run_id = o.run_id and u.kind = 'undo' and r.status = 'started'
          )
        )
      )
  );
end;
$$;

-- ---- schema/59_companions/_is_companion_kept.sql
-- Whether an ended run has to stay for the sake of companions: its own are not over, or it is one of a run that goes on, or
-- that has ended since the cut-off, and whose next undo asks what this one has done.
create function pgflow._is_companion_kept(run_id uuid, has_origin boolean, cutoff timestamptz)
returns boolean
language plpgsql
as $$
begin
  if (select c.busy_run_ids is not null from pgflow._companions_of(array[_is_companion_kept.run_id]) c) then
    return true;
  end if;
  return has_origin is true and exists (
    select 1
    from pgflow.origins o
    join pgflow.runs r on r.run_id = o.from_run_id
    where o.run_id = _is_companion_kept.run_id and o.kind in ('end', 'undo')
      and coalesce(r.completed_at, r.failed_at, r.cancelled_at) < cutoff is not true
  );
end;
$$;

-- ---- schema/59_companions/_is_left_behind.sql
-- Whether a run has gone on since that end of its, by a retry: what was not undone then is the next undo's.
create function pgflow._is_left_behind(run_id uuid, end_number int)
returns boolean
language plpgsql
stable
as $$
begin
  return exists (
    select 1
    from pgflow.runs r
    where r.run_id = _is_left_behind.run_id and (r.status = 'started' or r.end_count > _is_left_behind.end_number)
  );
end;
$$;

-- ---- schema/59_companions/_note_companions.sql
-- Runs that have just ended: has fire_timers start what their flows say is to be done then, at once, or when nothing is under
-- way that may have to be undone; and, of undos among them, what follows an undo. Callers hold the runs.
create function pgflow._note_companions(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_ended uuid[] := pgflow._runs_with_ends(run_ids);
  v_flow_slugs text[];
  v_all bigint;  -- see 00_model/model.sql
begin
  if v_ended is not null then
    perform pgflow._note_under_way(v_ended);
  elsif not exists (
    select 1
    from unnest(_note_companions.run_ids) i(run_id)
    cross join lateral (select l.has_origin from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select 1 from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'undo' limit 1
    ) o
  ) then
    return;
  end if;
  with ended as (
    update pgflow.runs r
    set end_count = coalesce(r.end_count, 0) + 1
    from (
      select g.run_id from unnest(v_ended) g(run_id) limit v_all
    ) i
    where r.run_id = i.run_id
    returning r.run_id, r.flow_slug, r.status, r.end_count
  ),
  asked as (
    select
      greatest(clock_timestamp(), (
        select max(l.patience_ends_at)
        from pgflow.late_results l
        where l.run_id = e.run_id and l.reported_at is null and e.status <> 'completed'
      )) as due_at,
      e.flow_slug, e.run_id, jsonb_build_object('number', e.end_count) as payload
    from ended e
    cross join lateral (select l.options from pgflow.flows l where l.flow_slug = e.flow_slug limit 1) f
    where f.options ? 'undo' and e.status <> 'completed'
      or exists (
        select 1 from jsonb_each(f.options -> 'ends') n(slug, rule) where n.rule ->> 'on' in (e.status, 'always')
      )
    union all
    select clock_timestamp(), p.flow_slug, o.from_run_id, jsonb_build_object(
      'number', o.attempt, 'undone', case r.status when 'completed' then 'completed' else 'failed' end
    )
    from unnest(_note_companions.run_ids) i(run_id)
    cross join lateral (select * from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select * from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'undo' limit 1
    ) o
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = o.from_run_id limit 1) p
  ),
  set_timers as (
    insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload)
    select a.due_at, 'companions', a.flow_slug, a.run_id, a.payload from asked a
    returning flow_slug
  )
  select array_agg(distinct t.flow_slug) into v_flow_slugs from set_timers t;
  perform pgflow._notify(v_flow_slugs, null);
end;
$$;

-- ---- schema/59_companions/_note_done.sql
-- Keeps what the tasks of these steps (pairs) have given, of those that can be undone, before their rows lose it. Failures that
-- are values are no results. Callers hold the runs.
create function pgflow._note_done(run_ids uuid[], step_slugs text[])
returns void
language plpgsql
as $$
begin
  insert into pgflow.late_results (
    run_id, step_slug, task_index, attempt, worker_id, patience_ends_at, reported_at, is_completed, output
  )
  select t.run_id, t.step_slug, t.task_index, t.attempts_count, t.last_worker_id, t.completed_at, t.completed_at, true,
    t.output
  from unnest(_note_done.run_ids, _note_done.step_slugs) i(run_id, step_slug)
  cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (
    select 1
    from pgflow.flows l
    where l.flow_slug = r.flow_slug and l.options #> array['undo', 'steps', i.step_slug] is not null
    limit 1
  ) f
  cross join lateral (
    select * from pgflow.step_tasks l where l.run_id = i.run_id and l.step_slug = i.step_slug offset 0
  ) t
  where t.status = 'completed' and t.is_tolerated is not true
  on conflict on constraint late_results_pkey do update
  set reported_at = excluded.reported_at, is_completed = true, output = excluded.output;
end;
$$;

-- ---- schema/59_companions/_note_late.sql
-- Results, or failures, of tasks that were under way when their runs ended, or their steps were skipped: those that an undo
-- may wait for are kept, and with the last of an ended run its undo is due. fenced as in _complete. Callers hold the runs.
create function pgflow._note_late(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  is_completed boolean,
  fenced boolean
)
returns void
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_all bigint;  -- see 00_model/model.sql
begin
  with reported as (
    update pgflow.late_results l
    set reported_at = clock_timestamp(), is_completed = _note_late.is_completed, output = g.output
    from (
      select *
      from unnest(
        _note_late.worker_ids, _note_late.run_ids, _note_late.step_slugs, _note_late.task_indexes, _note_late.attempts,
        _note_late.outputs
      ) u(worker_id, run_id, step_slug, task_index, attempt, output)
      limit v_all
    ) g
    where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      and l.reported_at is null
      and case when _note_late.fenced then l.worker_id = g.worker_id and l.attempt = g.attempt else not exists (
        select 1
        from pgflow.late_results n
        where n.run_id = l.run_id and n.step_slug = l.step_slug and n.task_index = l.task_index and n.attempt > l.attempt
      ) end
      -- once its companions have started, nothing is added to what they got
      and (
        (select r.status from pgflow.runs r where r.run_id = l.run_id) = 'started'
        or exists (select 1 from pgflow.timers t where t.run_id = l.run_id and t.kind = 'companions')
      )
    returning l.run_id
  )
  select array_agg(distinct r.run_id) into v_run_ids from reported r;
  if v_run_ids is null then
    return;
  end if;
  update pgflow.timers t
  set due_at = clock_timestamp()
  where t.run_id = any(v_run_ids) and t.kind = 'companions'
    and not exists (
      select 1
      from pgflow.late_results l
      where l.run_id = t.run_id and l.reported_at is null and l.patience_ends_at > clock_timestamp()
    );
  perform pgflow._notify(pgflow._flows_of(v_run_ids), null);
end;
$$;

-- ---- schema/59_companions/_note_under_way.sql
-- Writes down which tasks of these runs, or of these steps of theirs (pairs), are under way whose steps can be undone. What a
-- subflow step is at is its child. Callers hold the runs, which are about to end, or have just ended, or the steps have.
create function pgflow._note_under_way(run_ids uuid[], step_slugs text[] default null)
returns void
language plpgsql
as $$
begin
  insert into pgflow.late_results (run_id, step_slug, task_index, attempt, worker_id, patience_ends_at)
  select t.run_id, t.step_slug, t.task_index, t.attempts_count, t.last_worker_id,
    t.started_at + make_interval(secs => 30 + p.timeouts[array_position(p.step_slugs, t.step_slug)])
  from unnest(_note_under_way.run_ids, _note_under_way.step_slugs) i(run_id, step_slug)
  cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (
    select * from pgflow.prepared_flows l where l.flow_slug = r.flow_slug and l.has_ends limit 1
  ) p
  cross join lateral (select l.options from pgflow.flows l where l.flow_slug = r.flow_slug limit 1) f
  cross join lateral jsonb_object_keys(f.options #> '{undo,steps}') u(step_slug)
  cross join lateral (
    select * from pgflow.step_tasks l where l.run_id = i.run_id and l.step_slug = u.step_slug offset 0
  ) t
  where t.status = 'started' and (i.step_slug is null or i.step_slug = u.step_slug)
    and p.kinds[array_position(p.step_slugs, t.step_slug)] <> 'subflow'
  on conflict on constraint late_results_pkey do nothing;
end;
$$;

-- ---- schema/59_companions/_note_undone.sql
-- Of an ended run nothing is to be undone any more: a parent of it that has ended too, and whose own undo may wait for that,
-- hears of it as of an end. Callers hold the run.
create function pgflow._note_undone(of_run pgflow.runs)
returns void
language plpgsql
as $$
begin
  if (of_run).has_origin and (of_run).status <> 'completed' then
    insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
    select o.from_run_id, o.step_slug, o.task_index, o.attempt, o.run_id
    from pgflow.origins o
    join pgflow.runs p on p.run_id = o.from_run_id and p.status in ('failed', 'cancelled')
    where o.run_id = (of_run).run_id and o.kind = 'child';
  end if;
end;
$$;

-- ---- schema/59_companions/_run_end.sql
-- How a run ended, for the handlers of its companions. undone: nothing, completed or failed.
create function pgflow._run_end(run_id uuid, undone text)
returns jsonb
language plpgsql
stable
as $$
begin
  return (
    select jsonb_build_object(
      'run_id', r.run_id,
      'status', r.status,
      'error', left(split_part(r.error_message, E'\n', 1), 500),
      'failed_step', f.step_slug,
      'failed_task', f.task_index,
      'reason', r.cancel_reason,
      'undone', _run_end.undone
    )
    from pgflow.runs r
    left join lateral pgflow.get_run_failure(r.run_id) f on true
    where r.run_id = _run_end.run_id
  );
end;
$$;

-- ---- schema/59_companions/_runs_with_ends.sql
-- Those of these runs whose flows say that something follows their ends; null: none.
create function pgflow._runs_with_ends(run_ids uuid[])
returns uuid[]
language plpgsql
as $$
begin
  return (
    select array_agg(i.run_id)
    from unnest(_runs_with_ends.run_ids) i(run_id)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join lateral (
      select l.has_ends from pgflow.prepared_flows l where l.flow_slug = r.flow_slug limit 1
    ) p
    where p.has_ends
  );
end;
$$;

-- ---- schema/59_companions/_start_companion.sql
-- Starts a companion of an ended run, once for each of its ends: false where its flow is not in the database. rule: what the
-- flow's options say of it. Callers hold the ended run.
create function pgflow._start_companion(
  flow_slug text, kind text, of_run pgflow.runs, number int, rule jsonb, steps jsonb, undone text
)
returns boolean
language plpgsql
as $$
declare
  v_run_id uuid := pgflow._new_run_id();
begin
  if not exists (select 1 from pgflow.prepared_flows p where p.flow_slug = _start_companion.flow_slug) then
    return false;
  end if;
  -- origins first: it may end as it starts
  insert into pgflow.origins (run_id, kind, from_run_id, step_slug, attempt)
  values (
    v_run_id, _start_companion.kind, (of_run).run_id, _start_companion.flow_slug, _start_companion.number
  )
  on conflict do nothing;
  if found then
    perform pgflow._start_flows(
      _start_companion.flow_slug,
      array[
        jsonb_build_object('run_end', pgflow._run_end((of_run).run_id, _start_companion.undone), 'steps', steps)
          || case when rule -> 'flow_input' = 'true' then jsonb_build_object('flow_input', (of_run).input) else '{}' end
      ],
      array[v_run_id], array[(of_run).trace_context], null, true
    );
  end if;
  return true;
end;
$$;

-- ---- schema/59_companions/_start_undo.sql
-- Starts the undo of an ended run; false if there is nothing to undo. rule: the option undo of its flow. Callers hold the
-- run.
create function pgflow._start_undo(of_run pgflow.runs, number int, rule jsonb)
returns boolean
language plpgsql
as $$
declare
  v_steps jsonb;
begin
  select jsonb_object_agg(u.slug, pgflow._step_to_undo((of_run).run_id, u.slug, u.rule)) into v_steps
  from jsonb_each(rule -> 'steps') u(slug, rule);
  if not jsonb_path_exists(v_steps, '$.*.done ? (@ == true)') then
    return false;
  end if;
  return pgflow._start_companion(
    rule ->> 'flow', 'undo', of_run, number, rule,
    pgflow._step_outputs((of_run).run_id, coalesce(rule -> 'reads', '[]')) || v_steps, 'nothing'
  );
end;
$$;

-- ---- schema/59_companions/_step_outputs.sql
-- What a companion is told of steps that it only reads: whether each has completed, and with what.
create function pgflow._step_outputs(run_id uuid, step_slugs jsonb)
returns jsonb
language plpgsql
stable
as $$
begin
  return (
    select coalesce(jsonb_object_agg(s.step_slug, jsonb_build_object('done', s.status = 'completed') || case
      when s.status = 'completed' then jsonb_build_object('output', coalesce(s.output, 'null'))
      else '{}'
    end), '{}')
    from jsonb_array_elements_text(_step_outputs.step_slugs) i(slug)
    join pgflow.step_states s on s.run_id = _step_outputs.run_id and s.step_slug = i.slug
  );
end;
$$;

-- ---- schema/59_companions/_step_to_undo.sql
-- What the undo of an ended run is told of a step that can be undone: whether there is something to undo, which tasks that
-- is about, as pairs [task_index, attempt], and the output. Of a map that is what its step has given, for handlers of other
-- steps, and elements is what there is to undo, null for those of which nobody knows what they did. A single step is undone
-- by one task: of several attempts that did something the latest counts that is known.
create function pgflow._step_to_undo(run_id uuid, step_slug text, rule jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
  v_step record;
  v_left record;
  v_told jsonb;
begin
  select st.step_type = 'map' as is_map, s.status, s.output, coalesce(s.output ? '$failed', false) as is_failure
  into v_step
  from pgflow.step_states s
  join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
  where s.run_id = _step_to_undo.run_id and s.step_slug = _step_to_undo.step_slug;

  select
    jsonb_agg(
      case when e.is_known then coalesce(e.output, 'null') else 'null' end order by e.task_index, e.attempt
    ) as outputs,
    jsonb_agg(jsonb_build_array(e.task_index, e.attempt) order by e.task_index, e.attempt) as tasks,
    bool_and(e.is_known) as is_known
  into v_left
  from (
    select u.*, row_number() over (order by u.is_known desc, u.attempt desc) as place
    from pgflow._undoable(_step_to_undo.run_id, _step_to_undo.step_slug, rule ->> 'when' = 'started') u
    where (u.task_index, u.attempt) not in (
      select b.task_index, b.attempt
      from pgflow._undone_before(_step_to_undo.run_id, _step_to_undo.step_slug, rule ->> 'by') b
    )
  ) e
  where v_step.is_map or e.place = 1;

  v_told := jsonb_build_object('done', v_left.tasks is not null);
  if v_left.tasks is not null then
    v_told := v_told || jsonb_build_object('tasks', v_left.tasks) || case
      when v_step.is_map then jsonb_build_object('elements', v_left.outputs)
      when v_left.is_known then jsonb_build_object('output', v_left.outputs -> 0)
      else '{}'
    end;
    if not v_step.is_map then
      return v_told;
    end if;
  end if;
  if v_step.status <> 'completed' or not v_step.is_map and v_step.is_failure then
    return v_told;
  end if;
  return v_told || jsonb_build_object('output', case when v_step.is_map then (
    select coalesce(jsonb_agg(i.item order by i.position), '[]')
    from jsonb_array_elements(v_step.output) with ordinality i(item, position)
    where (jsonb_typeof(i.item) = 'object' and i.item ? '$failed') is not true
  ) else coalesce(v_step.output, 'null') end);
end;
$$;

-- ---- schema/59_companions/_undoable.sql
-- What a run has done of a step, task by task, that can be undone: results, also such as came late, or of children that it
-- did not hear of, and with started = true attempts of which nobody knows what they did. Failures that are values are left
-- out, unless their attempts succeeded late, and what was taken over from another run. A step without tasks counts as one.
create function pgflow._undoable(run_id uuid, step_slug text, started boolean)
returns table (task_index int, attempt int, output jsonb, is_known boolean)
language plpgsql
stable
as $$
begin
  return query
  select t.task_index, t.attempts_count, case
      when d.is_own then t.output
      when l.is_completed then l.output
      else k.output
    end,
    d.is_own or l.is_completed is true or k.output is not null
  from pgflow.step_tasks t
  cross join lateral (select t.status = 'completed' and t.is_tolerated is not true as is_own) d
  left join lateral (
    select r.is_completed, r.output
    from pgflow.late_results r
    where r.run_id = t.run_id and r.step_slug = t.step_slug and r.task_index = t.task_index
      and r.attempt = t.attempts_count and r.is_completed
    limit 1
  ) l on true
  left join lateral (
    select coalesce(c.output, '{}') as output
    from pgflow.runs c
    where not d.is_own and c.run_id = pgflow._child_of(t) and c.status = 'completed'
    limit 1
  ) k on true
  where t.run_id = _undoable.run_id and t.step_slug = _undoable.step_slug
    and (
      d.is_own or l.is_completed is true or k.output is not null
      or _undoable.started and t.status <> 'completed' and t.attempts_count > 0
    )
  union all
  select e.task_index, e.attempt, e.output, true
  from pgflow.late_results e
  where e.run_id = _undoable.run_id and e.step_slug = _undoable.step_slug and e.is_completed
    and e.attempt <> (
      select t.attempts_count
      from pgflow.step_tasks t
      where t.run_id = e.run_id and t.step_slug = e.step_slug and t.task_index = e.task_index
    )
  union all
  select 0, 0, s.output, true
  from pgflow.step_states s
  join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
  where s.run_id = _undoable.run_id and s.step_slug = _undoable.step_slug and s.status = 'completed'
    and not s.reused and st.step_type = 'single'
    and not exists (
      select 1 from pgflow.step_tasks t where t.run_id = s.run_id and t.step_slug = s.step_slug
    );
end;
$$;

-- ---- schema/59_companions/_undone_before.sql
-- What earlier undos of a run have undone of a step. handler: the step of the undo's flow.
create function pgflow._undone_before(run_id uuid, step_slug text, handler text)
returns table (task_index int, attempt int)
language plpgsql
stable
as $$
begin
  return query
  select (p.pair ->> 0)::int, (p.pair ->> 1)::int
  from pgflow.origins o
  cross join lateral (
    select u.input #> array['steps', _undone_before.step_slug, 'tasks'] as pairs
    from pgflow.runs u
    where u.run_id = o.run_id
    offset 0
  ) g
  cross join lateral jsonb_array_elements(g.pairs) with ordinality p(pair, place)
  cross join lateral (
    select l.status
    from pgflow.step_tasks l
    where l.run_id = o.run_id and l.step_slug = _undone_before.handler and l.task_index = (p.place - 1)::int
    limit 1
  ) t
  where o.from_run_id = _undone_before.run_id and o.kind = 'undo' and t.status = 'completed';
end;
$$;

-- ---- schema/59_companions/_undos_left_behind.sql
-- Of these runs the undos whose runs have gone on since, or are about to: they would undo what is in use, or undo it twice.
-- Those runs stay as they are until the commit; where somebody else holds one, it counts as about to go on. null: none.
-- Callers hold the undos.
create function pgflow._undos_left_behind(run_ids uuid[])
returns uuid[]
language plpgsql
as $$
declare
  v_undos record;
  v_locked uuid[];
begin
  select array_agg(o.run_id) as run_ids, array_agg(o.from_run_id) as of_run_ids, array_agg(o.attempt) as numbers
  into v_undos
  from unnest(_undos_left_behind.run_ids) i(run_id)
  cross join lateral (select l.has_origin from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (
    select * from pgflow.origins l where r.has_origin and l.run_id = i.run_id and l.kind = 'undo' limit 1
  ) o;
  if v_undos.run_ids is null then
    return null;
  end if;
  select array_agg(l.run_id) into v_locked
  from (
    select r.run_id from pgflow.runs r where r.run_id = any(v_undos.of_run_ids) order by r.run_id for share skip locked
  ) l;
  return (
    select array_agg(u.run_id)
    from unnest(v_undos.run_ids, v_undos.of_run_ids, v_undos.numbers) u(run_id, of_run_id, number)
    where pgflow._is_left_behind(u.of_run_id, u.number)
      or u.of_run_id = any(_undos_left_behind.run_ids)
      or (u.of_run_id = any(v_locked)) is not true
        and exists (select 1 from pgflow.runs r where r.run_id = u.of_run_id)
  );
end;
$$;

-- ---- schema/60_workers/_check_workers.sql
-- A worker that recovery has judged dead is one that has to register again.
create function pgflow._check_workers(worker_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_worker_id uuid;
begin
  select g.worker_id into v_worker_id
  from unnest(_check_workers.worker_ids) g(worker_id)
  where not exists (select 1 from pgflow.workers w where w.worker_id = g.worker_id and w.died_at is null)
  limit 1;
  if found then
    raise exception 'Worker % is not registered', v_worker_id
      using errcode = 'PF009',
        hint = 'Call pgflow.register_worker first: this worker never did, its row was deleted, or it was silent for 30 seconds and taken for dead.';
  end if;
end;
$$;

-- ---- schema/60_workers/_lost_fences.sql
-- Which of these fences of tasks that workers are at hold no more, by position, and why. Read without locks.
create function pgflow._lost_fences(
  worker_ids uuid[], run_ids uuid[], step_slugs text[], task_indexes int[], attempts int[],
  out lost int[], out reasons text[]
)
language plpgsql
stable
as $$
begin
  select coalesce(array_agg(f.position order by f.position), '{}'),
    coalesce(array_agg(f.reason order by f.position), '{}')
  into lost, reasons
  from (
    select
      g.position::int as position,
      case
        when t.status is null then 'no_such_task'
        when r.status <> 'started' then 'run_' || r.status
        when s.status <> 'started' then 'step_' || s.status
        when t.status <> 'started'
          or t.attempts_count is distinct from g.attempt
          or (t.last_worker_id = any(_lost_fences.worker_ids)) is not true
          then 'other_attempt'
      end as reason
    from unnest(
      _lost_fences.run_ids, _lost_fences.step_slugs, _lost_fences.task_indexes, _lost_fences.attempts
    ) with ordinality g(run_id, step_slug, task_index, attempt, position)
    left join lateral (
      select l.status, l.attempts_count, l.last_worker_id
      from pgflow.step_tasks l
      where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      limit 1
    ) t on true
    left join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r on true
    left join lateral (
      select l.status from pgflow.step_states l where l.run_id = g.run_id and l.step_slug = g.step_slug limit 1
    ) s on true
  ) f
  where f.reason is not null;
end;
$$;

-- ---- schema/60_workers/_note_life.sql
-- A claim or a result is a sign of life, written where the last one is five seconds old, and never waited for: a
-- locked row is left alone. Callers have seen that it may be due. False if recovery has judged one of them dead: such
-- a worker gets no tasks until it has registered again.
create function pgflow._note_life(worker_ids uuid[])
returns boolean
language plpgsql
as $$
begin
  update pgflow.workers w
  set last_heartbeat_at = clock_timestamp()
  where w.worker_id = any(array(
    select l.worker_id
    from pgflow.workers l
    where l.worker_id = any(_note_life.worker_ids)
      and l.died_at is null
      and l.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
    order by l.worker_id
    for no key update skip locked
  ));
  return not exists (
    select 1 from pgflow.workers w where w.worker_id = any(_note_life.worker_ids) and w.died_at is not null
  );
end;
$$;

-- ---- schema/60_workers/_worker_address.sql
-- Where and how a worker function is asked to start: at its own url, or among the functions of the local Supabase or of
-- the project that the vault's secrets name. No row when a secret is missing.
create function pgflow._worker_address(function_name text, url text, gets_service_key boolean)
returns table (address text, headers jsonb)
language plpgsql
stable
as $$
declare
  v_project_id text;
  v_secret text;
  v_service_key text;
begin
  if pgflow.is_local() then
    return query select
      coalesce(_worker_address.url, 'http://kong:8000/functions/v1/' || _worker_address.function_name),
      '{}'::jsonb;
    return;
  end if;
  perform pgflow._require_trusted('vault');
  select max(nullif(s.decrypted_secret, '')) filter (where s.name = 'supabase_project_id'),
    max(nullif(s.decrypted_secret, '')) filter (where s.name = 'pgflow_auth_secret'),
    max(nullif(s.decrypted_secret, '')) filter (where s.name = 'supabase_service_role_key')
  into v_project_id, v_secret, v_service_key
  from vault.decrypted_secrets s
  where s.name in ('supabase_project_id', 'pgflow_auth_secret', 'supabase_service_role_key');

  if v_secret is null and (_worker_address.url is null or _worker_address.gets_service_key) then
    v_secret := v_service_key;
  end if;
  return query
  select a.address, jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || v_secret)
  from (
    select coalesce(
      _worker_address.url,
      format('https://%s.supabase.co/functions/v1/%s', v_project_id, _worker_address.function_name)
    ) as address
    where _worker_address.url is not null or v_project_id is not null
  ) a
  where v_secret is not null;
end;
$$;

-- ---- schema/60_workers/announce_idle.sql
-- for: worker
-- These workers wait for notifications on their queues' channels for so many seconds, an hour at most. Returns the
-- seconds until the next message of their queues becomes visible or the next timer is due: 0 if one is now, null if
-- there is neither. Queues of paused flows do not count. Announce, commit, claim once more, then wait: whatever commits later sees the announcement.
create function pgflow.announce_idle(worker_ids uuid[], seconds int)
returns double precision
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue_name text;
  v_vt timestamptz;
  v_first timestamptz := pgflow._next_timer();
begin
  perform pgflow._check_workers(announce_idle.worker_ids);

  insert into pgflow.announcements (channel, announcer_id, valid_until)
  select 'pgflow_work_' || lower(w.queue_name), w.worker_id,
    pgflow._seconds_from_now(announce_idle.seconds)
  from pgflow.workers w
  where w.worker_id = any(announce_idle.worker_ids)
  order by 1, 2
  on conflict on constraint announcements_pkey do update set valid_until = excluded.valid_until;

  for v_queue_name in
    select distinct w.queue_name
    from pgflow.workers w
    where w.worker_id = any(announce_idle.worker_ids)
      and not exists (select 1 from pgflow.prepared_flows p where p.flow_slug = w.queue_name and p.is_paused)
  loop
    execute format('select min(q.vt) from pgmq.%I q', pgflow._queue_table(v_queue_name, 'q')) into v_vt;
    v_first := least(v_first, v_vt);
  end loop;
  return greatest(extract(epoch from v_first - clock_timestamp())::double precision, 0::double precision)
    + case when v_first is null then null else 0 end;
end;
$$;

-- ---- schema/60_workers/deprecate_worker.sql
-- for: migrate
-- Asks a worker to take no more tasks, finish what it has and end. The first request counts.
create function pgflow.deprecate_worker(worker_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update pgflow.workers w
  set deprecated_at = coalesce(w.deprecated_at, clock_timestamp())
  where w.worker_id = deprecate_worker.worker_id;
end;
$$;

-- ---- schema/60_workers/heartbeat_workers.sql
-- for: worker
-- Returns a row per worker that is still known, with when it was deprecated: such a worker takes no more tasks. One
-- that is missing has to register again. Waits for nobody: what somebody has locked is left to the next beat.
-- With the fences of the tasks that these workers are at (run, step, index, attempt), lost are the positions of those
-- that hold no more, the same in each row, and reasons why: 'run_cancelled', 'run_failed', 'run_completed',
-- 'step_skipped', 'step_failed', 'step_completed', 'other_attempt' or 'no_such_task'. A held run's fences hold.
create function pgflow.heartbeat_workers(
  worker_ids uuid[], run_ids uuid[] default '{}', step_slugs text[] default '{}', task_indexes int[] default '{}',
  attempts int[] default '{}'
)
returns table (worker_id uuid, deprecated_at timestamptz, lost int[], reasons text[])
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
  v_lost int[] := '{}';
  v_reasons text[] := '{}';
begin
  update pgflow.workers w
  set last_heartbeat_at = clock_timestamp()
  where w.worker_id = any(array(
    select l.worker_id
    from pgflow.workers l
    where l.worker_id = any(heartbeat_workers.worker_ids) and l.died_at is null
    order by l.worker_id
    for no key update skip locked
  ));

  if heartbeat_workers.run_ids <> '{}' then
    perform pgflow._check_lengths(
      cardinality(heartbeat_workers.run_ids), array['step_slugs', 'task_indexes', 'attempts'],
      array[
        cardinality(heartbeat_workers.step_slugs), cardinality(heartbeat_workers.task_indexes),
        cardinality(heartbeat_workers.attempts)
      ]
    );
    select l.lost, l.reasons into v_lost, v_reasons
    from pgflow._lost_fences(
      heartbeat_workers.worker_ids, heartbeat_workers.run_ids, heartbeat_workers.step_slugs,
      heartbeat_workers.task_indexes, heartbeat_workers.attempts
    ) l;
  end if;

  return query
  select w.worker_id, w.deprecated_at, v_lost, v_reasons
  from pgflow.workers w
  where w.worker_id = any(heartbeat_workers.worker_ids) and w.died_at is null;
end;
$$;

-- ---- schema/60_workers/is_local.sql
-- for: worker, pgflow
-- The well-known secret of a local Supabase tells development from production.
create function pgflow.is_local()
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    current_setting('app.settings.jwt_secret', true)
      = 'super-secret-jwt-token-with-at-least-32-characters-long',
    false
  );
$$;

-- ---- schema/60_workers/list_workers.sql
-- for: client
-- Workers that are at work, and those that ended or were last heard of within a while; the latest heard of first.
create function pgflow.list_workers(recent interval default '1 day', max_workers int default 500)
returns table (
  worker_id uuid,
  queue_name text,
  function_name text,
  started_at timestamptz,
  last_heartbeat_at timestamptz,
  deprecated_at timestamptz,
  stopped_at timestamptz,
  beats boolean,
  details jsonb
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    w.worker_id, w.queue_name, w.function_name, w.started_at, w.last_heartbeat_at, w.deprecated_at, w.stopped_at,
    w.beats, w.details
  from pgflow.workers w
  where w.last_heartbeat_at > pgflow._ago(list_workers.recent)
  order by w.last_heartbeat_at desc, w.worker_id
  limit greatest(list_workers.max_workers, 0);
end;
$$;

-- ---- schema/60_workers/mark_worker_stopped.sql
-- for: worker, pgflow
-- A worker's last word: its tasks may be given to others at once.
create function pgflow.mark_worker_stopped(worker_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update pgflow.workers w
  set stopped_at = clock_timestamp()
  where w.worker_id = mark_worker_stopped.worker_id;
end;
$$;

-- ---- schema/60_workers/register_worker.sql
-- for: worker
-- Repeating it with the same id is harmless: a worker that lost its database, or that was taken for dead, registers
-- again. Who calls it promises signs of life: a heartbeat every few seconds, however long its tasks take.
-- ``details`` is for people to read: whatever it says of its whereabouts.
create function pgflow.register_worker(
  worker_id uuid, queue_name text, function_name text, details jsonb default '{}'
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgflow.workers (worker_id, queue_name, function_name, last_heartbeat_at, beats, details)
  values (
    register_worker.worker_id, register_worker.queue_name, register_worker.function_name, clock_timestamp(),
    true, register_worker.details
  )
  on conflict on constraint workers_pkey do update
  set queue_name = excluded.queue_name,
      function_name = excluded.function_name,
      last_heartbeat_at = excluded.last_heartbeat_at,
      beats = true,
      details = excluded.details,
      died_at = null,
      recovered_at = null;
end;
$$;

-- ---- schema/60_workers/track_worker.sql
-- for: worker
-- Notes where a worker is asked to start that runs elsewhere than the platform's functions, for ensure_workers: a POST
-- to url. With it goes the secret pgflow_auth_secret; the service key, where that is missing, only to addresses
-- that come from somebody who may act as the core's owner.
create function pgflow.track_worker(function_name text, url text)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgflow.worker_functions (function_name, url, gets_service_key, updated_at)
  values (
    track_worker.function_name, track_worker.url, pg_has_role(session_user, current_user, 'member'),
    clock_timestamp()
  )
  on conflict on constraint worker_functions_pkey do update
  set url = excluded.url,
      gets_service_key = excluded.gets_service_key,
      updated_at = excluded.updated_at;
end;
$$;

-- ---- schema/60_workers/withdraw_idle.sql
-- for: worker
-- Ends the announcement of announce_idle: these workers are awake and need no notification.
create function pgflow.withdraw_idle(worker_ids uuid[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from pgflow.announcements a
  using pgflow.workers w
  where w.worker_id = any(withdraw_idle.worker_ids)
    and a.channel = 'pgflow_work_' || lower(w.queue_name)
    and a.announcer_id = w.worker_id;
end;
$$;

-- ---- schema/70_reading/_due_at.sql
-- When the timer of a task that waits for a time is due.
create function pgflow._due_at(task pgflow.step_tasks)
returns timestamptz
language plpgsql
stable
as $$
begin
  return (
    select min(t.due_at)
    from pgflow.timers t
    where t.run_id = (task).run_id and t.step_slug = (task).step_slug and t.task_index = (task).task_index
      and t.kind = 'wait'
  );
end;
$$;

-- ---- schema/70_reading/_over_at.sql
-- Since when a step's open tasks are over without having ended: since the end of the step (it was skipped) or of
-- its run. Null: they are not. Readers show such tasks as cancelled; their rows keep the status they had.
create function pgflow._over_at(run_id uuid, step_slug text)
returns timestamptz
language plpgsql
stable
as $$
begin
  return (
    select least(
      coalesce(s.completed_at, s.failed_at, s.skipped_at, s.cancelled_at),
      coalesce(r.completed_at, r.failed_at, r.cancelled_at)
    )
    from pgflow.step_states s
    join pgflow.runs r on r.run_id = s.run_id
    where s.run_id = _over_at.run_id and s.step_slug = _over_at.step_slug
  );
end;
$$;

-- ---- schema/70_reading/_run_wait.sql
-- What a started run waits for: its first signal step that waits for somebody, else its sleep that is over first, else a step
-- that waits for the end of a run it started; and the signal's deadline, or when the sleep is over. Nulls where there is no
-- such step.
create function pgflow._run_wait(run_id uuid, out waits_for text, out waits_until timestamptz)
language plpgsql
stable
as $$
begin
  select w.step_slug, w.deadline_at into waits_for, waits_until
  from pgflow.waiting_signals w
  where w.run_id = _run_wait.run_id
  order by w.since, w.step_slug
  limit 1;
  if waits_for is null then
    select t.step_slug, t.due_at into waits_for, waits_until
    from pgflow.timers t
    where t.run_id = _run_wait.run_id and t.kind = 'sleep'
    order by t.due_at, t.step_slug
    limit 1;
  end if;
  if waits_for is null then
    select o.step_slug into waits_for
    from pgflow.origins o
    join pgflow.step_tasks t
      on t.run_id = o.from_run_id and t.step_slug = o.step_slug and t.task_index = o.task_index and t.waits_for = 'child'
    where o.kind = 'child' and o.from_run_id = _run_wait.run_id
    limit 1;
  end if;
end;
$$;

-- ---- schema/70_reading/_shown.sql
-- A value's JSON as a page shows it: at most max_chars characters of it; null where it takes more than max_bytes
-- bytes as it is stored, or cannot be written out at all. An error would take the whole reading with it.
create function pgflow._shown(value jsonb, max_bytes int, max_chars int)
returns text
language plpgsql
stable
as $$
begin
  if _shown.value is null then
    return 'null';
  end if;
  if pg_column_size(_shown.value) > max_bytes then
    return null;
  end if;
  return left(_shown.value::text, greatest(max_chars, 0));
exception when others then
  if pgflow._is_passing(sqlstate) then
    raise;
  end if;
  return null;
end;
$$;

-- ---- schema/70_reading/_shown_task.sql
-- A task as lists show it, without what may be large. What was open when its step or run ended (over_at) is
-- shown as cancelled since then, as what cancel_runs has ended; again_at is when one that asked to run again is due.
-- waits_for and due_at are of one that waits without a message.
create function pgflow._shown_task(task pgflow.step_tasks, over_at timestamptz)
returns table (
  step_slug text,
  task_index int,
  status text,
  attempts_count int,
  requeued_count int,
  queued_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  last_worker_id uuid,
  error_message text,
  again_count int,
  again_at timestamptz,
  waits_for text,
  due_at timestamptz
)
language sql
stable
as $$
  select
    (task).step_slug,
    (task).task_index,
    case when c.is_cancelled then 'cancelled' else (task).status end,
    (task).attempts_count,
    (task).requeued_count,
    (task).queued_at,
    (task).started_at,
    case when c.is_cancelled then greatest(_shown_task.over_at, (task).started_at)
      else coalesce((task).completed_at, (task).failed_at, (task).cancelled_at) end,
    (task).last_worker_id,
    left((task).error_message, 300),
    coalesce((task).again_count, 0),
    case
      when (task).status = 'queued' and (task).again_count is not null and not c.is_cancelled
        and (task).attempts_count > (task).forgiven_count
        then ((task).attempt_errors -> -1 ->> 'at')::timestamptz
          + make_interval(secs => ((task).attempt_errors -> -1 ->> 'again_in')::int)
    end,
    case when not c.is_cancelled then (task).waits_for end,
    case when (task).waits_for in ('time', 'round') and not c.is_cancelled then pgflow._due_at(task) end
  from (
    select (task).status in ('queued', 'started') and _shown_task.over_at is not null as is_cancelled
  ) c;
$$;

-- ---- schema/70_reading/_wait_of.sql
-- What a started step waits for, and until when it does at the longest; null where its tasks are queued or at work. count: of
-- the runs that a subflow step waits for, 2 for any number above.
create function pgflow._wait_of(run_id uuid, step_slug text, kind text)
returns jsonb
language plpgsql
stable
as $$
declare
  v_count int;
begin
  if kind = 'signal' then
    return (
      select jsonb_build_object('waits_for', 'signal', 'until', w.deadline_at, 'key', w.key)
      from pgflow.waiting_signals w
      where w.run_id = _wait_of.run_id and w.step_slug = _wait_of.step_slug
    );
  end if;
  if kind = 'subflow' then
    select count(*) into v_count
    from (
      select 1
      from pgflow.step_tasks l
      where l.run_id = _wait_of.run_id and l.step_slug = _wait_of.step_slug and l.waits_for = 'child'
      limit 2
    ) l;
    if v_count > 0 then
      return jsonb_build_object(
        'waits_for', 'child', 'count', v_count,
        'until', (
          select min(t.due_at)
          from pgflow.timers t
          where t.run_id = _wait_of.run_id and t.step_slug = _wait_of.step_slug and t.kind = 'deadline'
        )
      );
    end if;
  end if;
  return (
    select jsonb_build_object(
      'waits_for',
      case t.kind when 'sleep' then 'sleep' else (
        select l.waits_for
        from pgflow.step_tasks l
        where l.run_id = t.run_id and l.step_slug = t.step_slug and l.task_index = t.task_index
      ) end,
      'until', t.due_at
    )
    from pgflow.timers t
    where t.run_id = _wait_of.run_id and t.step_slug = _wait_of.step_slug and t.kind in ('sleep', 'wait')
    order by t.due_at
    limit 1
  );
end;
$$;

-- ---- schema/70_reading/backlog.sql
-- for: worker, client
-- How much there is to do in a flow now, for what decides how many workers there should be: tasks that a worker may
-- take, of 100,000 at most, those that workers are at, and timers that are due, which only workers fire. Of a paused
-- flow only what workers are at. Raises PF001 for an unknown flow.
create function pgflow.backlog(flow_slug text)
returns bigint
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue text := pgflow._queue_table(backlog.flow_slug, 'q');
  v_count bigint;
begin
  perform pgflow._check_flows(array[backlog.flow_slug]);
  execute format(
    $sql$
      select
        (
          -- of delivered messages there are hardly more than workers have slots
          select count(*)
          from pgmq.%1$I q
          cross join lateral (
            select 1
            from pgflow.step_tasks t
            where t.run_id = (q.message ->> 'run_id')::uuid
              and t.step_slug = q.message ->> 'step_slug'
              and t.task_index = (q.message ->> 'task_index')::int
              and t.message_id = q.msg_id
              and t.status = 'started'
            limit 1
          ) t
          where q.read_ct > 0 and q.vt > $2 and pgflow._is_task_message(q.message) and q.message ->> 'flow_slug' = $1
        )
        + case when p.is_paused then 0 else
          (select count(*) from (select from pgmq.%1$I q where q.vt <= $2 limit 100000) v)
          + (select count(*) from pgflow.timers t where t.due_at <= $2 and t.flow_slug = $1)
        end
      from pgflow.prepared_flows p
      where p.flow_slug = $1
    $sql$,
    v_queue
  ) into v_count using backlog.flow_slug, clock_timestamp();
  return coalesce(v_count, 0);
end;
$$;

-- ---- schema/70_reading/count_stranded_runs.sql
-- for: client, worker
-- Open runs of other versions of the given flows that no worker is there for: they wait for ever. The latest
-- max_scanned runs of each version are looked at.
create function pgflow.count_stranded_runs(served text[], max_scanned int default 10000)
returns table (flow_slug text, open_count int)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select f.flow_slug, o.open_count
  from pgflow.flows f
  cross join lateral (
    select count(*) filter (where r.status = 'started')::int as open_count
    from (
      select x.status from pgflow.runs x
      where x.flow_slug = f.flow_slug
      order by x.started_at desc
      limit greatest(count_stranded_runs.max_scanned, 0)
    ) r
  ) o
  where f.flow_slug <> all (count_stranded_runs.served)
    and exists (
      select from unnest(count_stranded_runs.served) s (slug)
      where pgflow._family(s.slug) = pgflow._family(f.flow_slug)
    )
    and not exists (
      select from pgflow.workers w
      where w.queue_name = f.flow_slug
        and w.stopped_at is null
        and w.deprecated_at is null
        and w.last_heartbeat_at > clock_timestamp() - interval '1 minute'
    )
    and o.open_count > 0
  order by f.flow_slug;
end;
$$;

-- ---- schema/70_reading/count_tasks.sql
-- for: client
-- How far the steps of a run have come, those that have tasks. Cancelled: open when their step or run ended. Again:
-- attempts that ended by asking to run again; polling: tasks that wait for that now.
-- Waiting: tasks that wait for a time without a message, and when the first of them is due. Tolerated: failures that took
-- the place of outputs, which are among the completed. Round: of a loop that has asked for another, which one it is at.
create function pgflow.count_tasks(run_id uuid)
returns table (
  step_slug text, total bigint, completed bigint, started bigint, failed bigint, attempts bigint, cancelled bigint,
  again bigint, polling bigint, waiting bigint, due_at timestamptz, tolerated bigint, round int
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    t.step_slug,
    t.total,
    t.completed,
    case when t.open > 0 and o.over_at is not null then 0 else t.started end,
    t.failed,
    t.attempts,
    t.cancelled + case when o.over_at is not null then t.open else 0 end,
    t.again,
    case when o.over_at is not null then 0 else t.polling end,
    case when o.over_at is not null then 0 else t.waiting end,
    case when o.over_at is null and t.waiting > 0 then (
      select min(d.due_at)
      from pgflow.timers d
      where d.run_id = count_tasks.run_id and d.step_slug = t.step_slug and d.kind = 'wait'
    ) end,
    t.tolerated,
    t.round
  from (
    select
      l.step_slug,
      count(*) as total,
      count(*) filter (where l.status = 'completed') as completed,
      count(*) filter (where l.status = 'started') as started,
      count(*) filter (where l.status = 'failed') as failed,
      sum(l.attempts_count) as attempts,
      count(*) filter (where l.status = 'cancelled') as cancelled,
      count(*) filter (where l.status in ('queued', 'started')) as open,
      coalesce(sum(l.again_count), 0)::bigint as again,
      count(*) filter (
        where l.status = 'queued' and l.again_count is not null and l.attempts_count > l.forgiven_count
          and l.attempt_errors -> -1 ? 'again_in'
      ) as polling,
      count(*) filter (where l.status = 'queued' and l.waits_for in ('time', 'round')) as waiting,
      count(*) filter (where l.status = 'completed' and l.is_tolerated) as tolerated,
      max(l.round) as round
    from pgflow.step_tasks l
    where l.run_id = count_tasks.run_id
    group by l.step_slug
  ) t
  cross join lateral (
    select case when t.open > 0 then pgflow._over_at(count_tasks.run_id, t.step_slug) end as over_at
  ) o
  order by t.step_slug;
end;
$$;

-- ---- schema/70_reading/find_runs.sql
-- for: client
-- A page of runs, the latest first, without what may be large; null for any flow, any status, any time.
--
-- Page by page in the order of an index (that of the key; of start within one flow), so a page costs the same
-- however many runs there are. before_at and before_id are started_at and run_id of the last row seen. Where a
-- status is rare it looks at max_scanned runs and no more; then the last row has no status and says how far it
-- came: go on from there; likewise when it has looked for three seconds. Ids made by pgflow sort by time; runs
-- with other ids stand where their id sorts.
--
-- in_input: a text in the run's input, as JSON is written, whatever its case; input_contains: JSON that the input
-- contains (@>); id_from and id_below: run ids from the one on, below the other; only_error: an error_key of
-- pgflow.group_failures. waits_for and waits_until: see _run_wait; begins_at: of one that is to begin later.
create function pgflow.find_runs(
  only_flow text default null,
  only_status text default null,
  since timestamptz default null,
  until timestamptz default null,
  before_at timestamptz default null,
  before_id uuid default null,
  max_runs int default 50,
  max_scanned int default 10000,
  in_input text default null,
  input_contains jsonb default null,
  id_from uuid default null,
  id_below uuid default null,
  only_error text default null
)
returns table (
  run_id uuid,
  flow_slug text,
  status text,
  started_at timestamptz,
  ended_at timestamptz,
  remaining_steps int,
  step_count int,
  error_message text,
  cancel_reason text,
  held_at timestamptz,
  begins_at timestamptz,
  waits_for text,
  waits_until timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- the index's order, whatever the statistics say: they may be those of an empty table
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_low constant uuid := greatest(
    find_runs.id_from,
    case
      when find_runs.since is null then '00000000-0000-0000-0000-000000000000'
      else pgflow._first_run_id(find_runs.since)
    end
  );
  v_until constant timestamptz := clock_timestamp() + interval '3 seconds';
  v_high constant uuid := least(
    find_runs.id_below,
    coalesce(find_runs.before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    case
      when find_runs.until is null then 'ffffffff-ffff-ffff-ffff-ffffffffffff'
      else pgflow._first_run_id(find_runs.until)
    end
  );
  v_cursor refcursor;
  v_run record;
  v_scanned int := 0;
  v_found int := 0;
begin
  if find_runs.only_status in ('failed', 'cancelled') then
    open v_cursor for
      select r.run_id, r.flow_slug, r.status, r.started_at,
        coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at, r.remaining_steps,
        left(r.error_message, 300) as error_message, left(r.cancel_reason, 300) as cancel_reason,
        case when r.status = 'started' then r.held_at end as held_at,
        case when r.status = 'started' then r.begins_at end as begins_at, r.input
      from pgflow.runs r
      where (r.failed_at is not null or r.cancelled_at is not null) and r.run_id < v_high and r.run_id >= v_low
      order by r.run_id desc;
  elsif find_runs.only_flow is not null then
    open v_cursor for
      select r.run_id, r.flow_slug, r.status, r.started_at,
        coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at, r.remaining_steps,
        left(r.error_message, 300) as error_message, left(r.cancel_reason, 300) as cancel_reason,
        case when r.status = 'started' then r.held_at end as held_at,
        case when r.status = 'started' then r.begins_at end as begins_at, r.input
      from pgflow.runs r
      where r.flow_slug = find_runs.only_flow
        and r.started_at >= coalesce(find_runs.since, '-infinity')
        and r.started_at <= least(coalesce(find_runs.before_at, 'infinity'), find_runs.until)
        and (r.started_at < find_runs.until) is not false
        and ((r.started_at, r.run_id) < (find_runs.before_at, find_runs.before_id)) is not false
      order by r.started_at desc, r.run_id desc;
  else
    open v_cursor for
      select r.run_id, r.flow_slug, r.status, r.started_at,
        coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at, r.remaining_steps,
        left(r.error_message, 300) as error_message, left(r.cancel_reason, 300) as cancel_reason,
        case when r.status = 'started' then r.held_at end as held_at,
        case when r.status = 'started' then r.begins_at end as begins_at, r.input
      from pgflow.runs r
      where r.run_id < v_high and r.run_id >= v_low
      order by r.run_id desc;
  end if;

  loop
    fetch v_cursor into v_run;
    exit when not found;
    v_scanned := v_scanned + 1;
    if (find_runs.only_flow is null or v_run.flow_slug = find_runs.only_flow)
      and (find_runs.only_status is null or v_run.status = find_runs.only_status)
      and (v_run.run_id >= find_runs.id_from) is not false
      and (v_run.run_id < find_runs.id_below) is not false
      and (find_runs.only_error is null
        or coalesce(pgflow._error_key(v_run.error_message), '') = find_runs.only_error)
      and (find_runs.input_contains is null or v_run.input @> find_runs.input_contains)
      and (find_runs.in_input is null or strpos(lower(v_run.input::text), lower(find_runs.in_input)) > 0)
    then
      v_found := v_found + 1;
      run_id := v_run.run_id;
      flow_slug := v_run.flow_slug;
      status := v_run.status;
      started_at := v_run.started_at;
      ended_at := v_run.ended_at;
      remaining_steps := v_run.remaining_steps;
      step_count := (select count(*) from pgflow.steps s where s.flow_slug = v_run.flow_slug);
      error_message := v_run.error_message;
      cancel_reason := v_run.cancel_reason;
      held_at := v_run.held_at;
      begins_at := v_run.begins_at;
      waits_for := null;
      waits_until := null;
      if v_run.status = 'started' then
        select w.waits_for, w.waits_until into waits_for, waits_until from pgflow._run_wait(v_run.run_id) w;
      end if;
      return next;
      exit when v_found >= find_runs.max_runs;
    elsif v_scanned >= find_runs.max_scanned or clock_timestamp() > v_until then
      run_id := v_run.run_id;
      flow_slug := v_run.flow_slug;
      status := null;
      started_at := v_run.started_at;
      ended_at := null;
      remaining_steps := null;
      step_count := null;
      error_message := null;
      cancel_reason := null;
      held_at := null;
      begins_at := null;
      waits_for := null;
      waits_until := null;
      return next;
      exit;
    end if;
  end loop;
  close v_cursor;
end;
$$;

-- ---- schema/70_reading/find_tasks.sql
-- for: client
-- Certain tasks of a step: failed; cancelled; retried (after a failure or a lost worker); polling (they asked to run
-- again); or slowest: all that were started, those that took longest first. The others in the order of their indexes.
-- skip: how many to pass over.
create function pgflow.find_tasks(
  run_id uuid, only_step text, only_those text, skip int default 0, max_tasks int default 100
)
returns table (
  step_slug text,
  task_index int,
  status text,
  attempts_count int,
  requeued_count int,
  queued_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  last_worker_id uuid,
  error_message text,
  again_count int,
  again_at timestamptz,
  waits_for text,
  due_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_over_at constant timestamptz := pgflow._over_at(find_tasks.run_id, find_tasks.only_step);
begin
  return query
  select v.*
  from pgflow.step_tasks t
  cross join lateral pgflow._shown_task(t, v_over_at) v
  where t.run_id = find_tasks.run_id
    and t.step_slug = find_tasks.only_step
    and case find_tasks.only_those
      when 'failed' then t.status = 'failed'
      when 'cancelled' then v.status = 'cancelled'
      when 'retried' then t.attempts_count - coalesce(t.again_count, 0) > 1
      when 'polling' then v.again_at is not null
      when 'slowest' then t.started_at is not null
    end
  order by
    case when find_tasks.only_those = 'slowest' then
      coalesce(v.ended_at, clock_timestamp()) - v.started_at
    end desc,
    t.task_index
  limit greatest(find_tasks.max_tasks, 0)
  offset greatest(find_tasks.skip, 0);
end;
$$;

-- ---- schema/70_reading/get_run_failure.sql
-- for: client
-- What failed a run: the task its step failed by; only the step where no task did (a condition that was not
-- met); neither where the run failed by itself. One row for a failed run, none for any other.
create function pgflow.get_run_failure(run_id uuid)
returns table (step_slug text, task_index int, error_message text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select s.step_slug, t.task_index, left(coalesce(t.error_message, s.error_message, r.error_message), 20000)
  from pgflow.runs r
  left join lateral (
    select l.step_slug, l.error_message
    from pgflow.step_states l
    where l.run_id = r.run_id and l.status = 'failed'
    order by l.error_message is distinct from r.error_message, l.failed_at, l.step_slug
    limit 1
  ) s on true
  left join lateral (
    select l.task_index, l.error_message
    from pgflow.step_tasks l
    where l.run_id = r.run_id and l.step_slug = s.step_slug and l.status = 'failed'
    -- a step has the message of the task that failed it; tasks that failed along with it may look older
    order by l.error_message is distinct from s.error_message, l.failed_at, l.task_index
    limit 1
  ) t on true
  where r.run_id = get_run_failure.run_id and r.status = 'failed';
end;
$$;

-- ---- schema/70_reading/get_run_origin.sql
-- for: client
-- Where a run comes from that nobody started by itself; no row: somebody did. kind: child (of a task of from_run_id), fork (of
-- from_run_id), schedule, end or undo (of from_run_id); depth: how many runs deep it was started as a child. from_run_id may
-- have been pruned.
create function pgflow.get_run_origin(run_id uuid)
returns table (
  kind text, from_run_id uuid, step_slug text, task_index int, attempt int, schedule_slug text, fire_at timestamptz,
  depth int
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select o.kind, o.from_run_id, o.step_slug, o.task_index, o.attempt, o.schedule_slug, o.fire_at, o.depth
  from pgflow.origins o
  where o.run_id = get_run_origin.run_id;
end;
$$;

-- ---- schema/70_reading/get_run_progress.sql
-- for: client
-- What watchers of runs read again and again: get_run_with_states without the run's input, and without the
-- outputs the caller has already. known: {"<run id>": [slugs of steps whose output is known]}; such a step comes
-- without the key "output", every other completed one with it. A run that does not exist has no row. A started step has
-- "wait": {"waits_for": signal | sleep | time | round | child, "until", "key", "count"}, null while its tasks are queued or at work.
-- max_bytes: the outputs of a run that exceed it together, as they are stored (compressed), are left out; "left_out"
-- lists the slugs of their steps, null for the run's own. null: no limit, but a run whose outputs take more than 256
-- MB cannot be read so. Error messages end after 20,000 characters.
create function pgflow.get_run_progress(
  run_ids uuid[], known jsonb default '{}', max_bytes int default null
)
returns table (run_id uuid, progress jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select r.run_id, jsonb_build_object(
    'run', jsonb_build_object(
      'run_id', r.run_id,
      'flow_slug', r.flow_slug,
      'status', r.status,
      'output', case when not o.is_left_out then r.output end,
      'remaining_steps', r.remaining_steps,
      'started_at', r.started_at,
      'completed_at', r.completed_at,
      'failed_at', r.failed_at,
      'error_message', left(r.error_message, 20000),
      'cancelled_at', r.cancelled_at,
      'cancel_reason', left(r.cancel_reason, 20000),
      'held_at', case when r.status = 'started' then r.held_at end,
      'begins_at', case when r.status = 'started' then r.begins_at end,
      'origin', case when r.has_origin then (
        select jsonb_strip_nulls(jsonb_build_object(
          'kind', o.kind, 'from_run_id', o.from_run_id, 'step_slug', o.step_slug, 'task_index', o.task_index,
          'attempt', o.attempt, 'schedule_slug', o.schedule_slug, 'fire_at', o.fire_at, 'depth', o.depth
        ))
        from pgflow.origins o
        where o.run_id = r.run_id
      ) end
    ),
    'steps', coalesce(t.steps, '[]'),
    'left_out', case when o.is_left_out and r.output is not null then '[null]'::jsonb else '[]' end
      || coalesce(t.left_out, '[]')
  )
  from unnest(get_run_progress.run_ids) i(run_id)
  cross join lateral (
    select f.* from pgflow.runs f where f.run_id = i.run_id limit 1
  ) r
  cross join lateral (
    select
      case jsonb_typeof(get_run_progress.known -> r.run_id::text)
        when 'array' then get_run_progress.known -> r.run_id::text
        else '[]'
      end as step_slugs
  ) k
  cross join lateral (
    select
      r.status <> 'completed'
        or coalesce(pg_column_size(r.output), 0) > coalesce(get_run_progress.max_bytes, 2147483647) as is_left_out
  ) o
  cross join lateral (
    -- once a run, and of one that waits for nothing all there is to it
    select r.status = 'started' and exists (
      select 1 from pgflow.timers t where t.run_id = r.run_id and t.kind = 'wait'
    ) as has_timers
    offset 0
  ) w
  cross join lateral (
    select
      -- columns by name: to_jsonb(s) - 'output' would read the output from where it is stored
      jsonb_agg(
        jsonb_build_object(
          'step_slug', s.step_slug,
          'status', s.status,
          'remaining_tasks', s.remaining_tasks,
          'initial_tasks', s.initial_tasks,
          'remaining_deps', s.remaining_deps,
          'error_message', left(s.error_message, 20000),
          'skip_reason', s.skip_reason,
          'created_at', s.created_at,
          'started_at', s.started_at,
          'completed_at', s.completed_at,
          'failed_at', s.failed_at,
          'skipped_at', s.skipped_at,
          'cancelled_at', s.cancelled_at,
          'reused', s.reused
        )
        || case
          when s.status = 'started' and r.status = 'started'
            then jsonb_build_object('wait', case
              when s.kind <> 'task' or w.has_timers then pgflow._wait_of(s.run_id, s.step_slug, s.kind)
            end)
          else '{}'
        end
        || case
          when s.is_new and s.bytes_so_far <= coalesce(get_run_progress.max_bytes, s.bytes_so_far)
            then jsonb_build_object('output', s.output)
          else '{}'
        end
        order by s.step_index
      ) as steps,
      jsonb_agg(s.step_slug order by s.step_index) filter (
        where s.is_new and s.bytes_so_far > get_run_progress.max_bytes
      ) as left_out
    from (
      select l.*, st.step_index, st.kind, n.is_new,
        sum(case when n.is_new then coalesce(pg_column_size(l.output), 0) else 0 end) over (order by st.step_index)
          + coalesce(pg_column_size(r.output), 0) as bytes_so_far
      from pgflow.step_states l
      join pgflow.steps st on st.flow_slug = l.flow_slug and st.step_slug = l.step_slug
      cross join lateral (
        select l.status = 'completed' and not k.step_slugs ? l.step_slug as is_new
      ) n
      where l.run_id = r.run_id
    ) s
  ) t;
end;
$$;

-- ---- schema/70_reading/get_run_values.sql
-- for: client
-- What went into a run and what came out of it and its steps: a row for each value that is there. step_slug is
-- null for the run's own. A value that takes more than max_bytes where it is stored (compressed) is left out:
-- its row says how many it takes. null: no limit. With max_chars the value is null and the start of its JSON is
-- shown: null where it is left out, or cannot be written.
create function pgflow.get_run_values(run_id uuid, max_bytes int default null, max_chars int default null)
returns table (step_slug text, kind text, stored_bytes int, value jsonb, shown text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select v.step_slug, v.kind, v.stored_bytes,
    case
      when get_run_values.max_chars is null
        and v.stored_bytes <= coalesce(get_run_values.max_bytes, v.stored_bytes) then v.value
    end,
    case
      when get_run_values.max_chars is not null
        then pgflow._shown(v.value, get_run_values.max_bytes, get_run_values.max_chars)
    end
  from (
    select null::text as step_slug, 'input' as kind, pg_column_size(r.input) as stored_bytes, r.input as value
    from pgflow.runs r
    where r.run_id = get_run_values.run_id
    union all
    select null, 'output', pg_column_size(r.output), r.output
    from pgflow.runs r
    where r.run_id = get_run_values.run_id and r.output is not null
    union all
    select s.step_slug, 'output', pg_column_size(s.output), s.output
    from pgflow.step_states s
    where s.run_id = get_run_values.run_id and s.output is not null
  ) v;
end;
$$;

-- ---- schema/70_reading/get_run_with_states.sql
-- for: client, pgflow
-- A run with the states of all its steps as one object; null for a run that does not exist.
create function pgflow.get_run_with_states(run_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'run', to_jsonb(r),
      'steps', coalesce(
        (
          select jsonb_agg(to_jsonb(s) order by st.step_index)
          from pgflow.step_states s
          join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
          where s.run_id = r.run_id
        ),
        '[]'
      )
    )
    from pgflow.runs r
    where r.run_id = get_run_with_states.run_id
  );
end;
$$;

-- ---- schema/70_reading/get_task.sql
-- for: client
-- One task with what it got from its array (null where it is no map's), what it gave, and what a loop's round got of
-- the one before (state); null if unknown. With max_chars these are texts, the start of their JSON; null also where a value takes more than max_bytes bytes as
-- it is stored, or cannot be written. One that was open when its step or run ended is cancelled: ended_at says
-- since when.
create function pgflow.get_task(
  run_id uuid, step_slug text, task_index int, max_bytes int default null, max_chars int default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select to_jsonb(p) || jsonb_build_object(
      'status', case when o.over_at is null then t.status else 'cancelled' end,
      'ended_at', coalesce(
        t.completed_at, t.failed_at, t.cancelled_at,
        case when o.over_at is not null then greatest(o.over_at, t.started_at) end
      )
    ) || case
      when get_task.max_chars is null then jsonb_build_object(
        'element', v.element, 'output', t.output, 'state', t.state
      )
      else jsonb_build_object(
        'element', pgflow._shown(v.element, get_task.max_bytes, get_task.max_chars),
        'output', pgflow._shown(t.output, get_task.max_bytes, get_task.max_chars),
        'state', pgflow._shown(t.state, get_task.max_bytes, get_task.max_chars)
      )
    end
    from pgflow.step_tasks t
    join pgflow.runs r on r.run_id = t.run_id
    join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug
    left join lateral (
      select e.dep_slug as array_slug, s.output
      from pgflow.deps e
      join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = e.dep_slug
      where e.flow_slug = t.flow_slug and e.step_slug = t.step_slug and e.is_array
    ) d on true
    cross join lateral (
      select case when t.status in ('queued', 'started') then pgflow._over_at(t.run_id, t.step_slug) end as over_at
    ) o
    cross join lateral (
      select case
        when st.step_type <> 'map' then null
        when t.element is not null then t.element
        when d.array_slug is null then r.input -> t.task_index
        else d.output -> t.task_index
      end as element
    ) v
    cross join lateral (
      select t.flow_slug, t.run_id, t.step_slug, t.message_id, t.task_index, t.status, t.attempts_count,
        left(t.error_message, 20000) as error_message, t.queued_at, t.started_at, t.completed_at, t.failed_at,
        t.last_worker_id, t.requeued_count, t.last_requeued_at, t.permanently_stalled_at, t.again_count,
        t.attempt_errors, case when o.over_at is null then t.waits_for end as waits_for,
        case when o.over_at is null and t.waits_for in ('time', 'round') then pgflow._due_at(t) end as due_at,
        t.cancelled_at, t.forgiven_count, t.is_tolerated, t.round
    ) p
    where t.run_id = get_task.run_id
      and t.step_slug = get_task.step_slug
      and t.task_index = get_task.task_index
  );
end;
$$;

-- ---- schema/70_reading/group_failures.sql
-- for: client
-- Failed runs by flow, step and what their messages have in common, the latest first: of the latest max_runs that
-- started within recent. message: the latest one's first line; error_key finds the runs (pgflow.find_runs).
create function pgflow.group_failures(
  only_flow text default null, recent interval default '7 days', max_runs int default 2000, max_groups int default 100
)
returns table (
  flow_slug text,
  step_slug text,
  error_key text,
  message text,
  run_count bigint,
  first_at timestamptz,
  last_at timestamptz,
  last_run_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  return query
  with latest as materialized (
    select r.run_id, r.flow_slug, r.failed_at, r.error_message
    from pgflow.runs r
    where r.failed_at is not null
      and r.run_id >= pgflow._first_run_id(pgflow._ago(group_failures.recent))
      and (group_failures.only_flow is null or r.flow_slug = group_failures.only_flow)
    order by r.run_id desc
    limit greatest(group_failures.max_runs, 0)
  )
  select
    l.flow_slug,
    s.step_slug,
    k.error_key,
    (array_agg(left(split_part(l.error_message, E'\n', 1), 300) order by l.failed_at desc))[1],
    count(*),
    min(l.failed_at),
    max(l.failed_at),
    (array_agg(l.run_id order by l.failed_at desc))[1]
  from latest l
  cross join lateral (select coalesce(pgflow._error_key(l.error_message), '') as error_key) k
  left join lateral (
    select c.step_slug
    from pgflow.step_states c
    where c.run_id = l.run_id and c.status = 'failed'
    order by c.error_message is distinct from l.error_message, c.failed_at, c.step_slug
    limit 1
  ) s on true
  group by l.flow_slug, s.step_slug, k.error_key
  order by max(l.failed_at) desc
  limit greatest(group_failures.max_groups, 0);
end;
$$;

-- ---- schema/70_reading/list_actions.sql
-- for: client, operator
-- The trail of control, the latest first: what was asked for a run, for a flow (null: any), by whom, and how it ended.
-- Of a call for many runs only the first twenty are found by their ids. before_id: the last action_id seen.
create function pgflow.list_actions(
  only_run uuid default null,
  only_flow text default null,
  max_actions int default 50,
  before_id bigint default null
)
returns table (
  action_id bigint,
  at timestamptz,
  actor text,
  session_role text,
  action text,
  flow_slug text,
  run_ids uuid[],
  run_count int,
  arguments jsonb,
  outcome jsonb
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select a.action_id, a.at, a.actor, a.session_role, a.action, a.flow_slug, a.run_ids, a.run_count, a.arguments,
    a.outcome
  from pgflow.actions a
  where (list_actions.only_run is null or a.run_ids @> array[list_actions.only_run])
    and (list_actions.only_flow is null or a.flow_slug = list_actions.only_flow)
    and (a.action_id < list_actions.before_id) is not false
  order by a.action_id desc
  limit greatest(list_actions.max_actions, 0);
end;
$$;

-- ---- schema/70_reading/list_children.sql
-- for: client
-- The runs that tasks of a run have started (subflows), by step, task and attempt: of a step only; null for all. after_... are
-- of the last row seen.
create function pgflow.list_children(
  parent_id uuid,
  only_step text default null,
  max_count int default 50,
  after_step_slug text default null,
  after_task_index int default null,
  after_attempt int default null
)
returns table (
  step_slug text, task_index int, attempt int, run_id uuid, flow_slug text, status text, started_at timestamptz,
  ended_at timestamptz, error_message text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- the index's order, whatever the statistics say
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  return query
  select o.step_slug, o.task_index, o.attempt, r.run_id, r.flow_slug, r.status, r.started_at,
    coalesce(r.completed_at, r.failed_at, r.cancelled_at), left(coalesce(r.error_message, r.cancel_reason), 300)
  from pgflow.origins o
  cross join lateral (select * from pgflow.runs l where l.run_id = o.run_id limit 1) r
  where o.kind = 'child' and o.from_run_id = parent_id
    and (only_step is null or o.step_slug = only_step)
    and ((o.step_slug, o.task_index, o.attempt) > (after_step_slug, after_task_index, after_attempt)) is not false
  order by o.step_slug, o.task_index, o.attempt
  limit least(greatest(coalesce(max_count, 50), 0), 10000);
end;
$$;

-- ---- schema/70_reading/list_companions.sql
-- for: client
-- What the ends of a run have started: its undos, then what is done at ends, by number of the end; a run that is retried ends
-- again.
create function pgflow.list_companions(parent_id uuid)
returns table (
  kind text, end_number int, run_id uuid, flow_slug text, status text, started_at timestamptz, ended_at timestamptz,
  error_message text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select o.kind, o.attempt, r.run_id, r.flow_slug, r.status, r.started_at,
    coalesce(r.completed_at, r.failed_at, r.cancelled_at), left(coalesce(r.error_message, r.cancel_reason), 300)
  from pgflow.origins o
  cross join lateral (select * from pgflow.runs l where l.run_id = o.run_id limit 1) r
  where o.kind in ('end', 'undo') and o.from_run_id = parent_id
  order by o.attempt, o.kind desc, r.run_id;
end;
$$;

-- ---- schema/70_reading/list_failed_undos.sql
-- for: client
-- Undos that have failed or were cancelled, those of the earliest runs first: somebody has to look at each, and to retry it
-- when its cause is mended; failed_at: when it ended so; not those whose runs have been retried since. of_run_id and of_flow_slug: what was to be undone; it may have been pruned, then the slug is null. after_run_id: of
-- the last row seen.
create function pgflow.list_failed_undos(max_count int default 50, after_run_id uuid default null)
returns table (
  run_id uuid, flow_slug text, of_run_id uuid, of_flow_slug text, end_number int, started_at timestamptz,
  failed_at timestamptz, error_message text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- the index's order, whatever the statistics say
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_most constant int := least(greatest(coalesce(max_count, 50), 0), 10000);
begin
  return query
  select r.run_id, r.flow_slug, o.from_run_id, p.flow_slug, o.attempt, r.started_at,
    coalesce(r.failed_at, r.cancelled_at), left(case when r.failed_at is null
      then 'cancelled' || coalesce(': ' || nullif(r.cancel_reason, ''), '') else r.error_message end, 300)
  from pgflow.flows f
  cross join lateral (
    -- of each flow no more than are wanted in all: its index has them in this order
    select *
    from pgflow.runs l
    where l.flow_slug = f.flow_slug and (l.failed_at is not null or l.cancelled_at is not null) and l.has_origin
      and (l.run_id > list_failed_undos.after_run_id) is not false
    order by l.run_id
    limit v_most
  ) r
  join pgflow.origins o on o.run_id = r.run_id and o.kind = 'undo'
  left join lateral (select l.flow_slug from pgflow.runs l where l.run_id = o.from_run_id limit 1) p on true
  where right(f.flow_slug, 6) = '__undo' and not pgflow._is_left_behind(o.from_run_id, o.attempt)
  order by r.run_id
  limit v_most;
end;
$$;

-- ---- schema/70_reading/list_flows.sql
-- for: client
-- The flows this database knows.
create function pgflow.list_flows()
returns table (flow_slug text, created_at timestamptz, step_count int, is_paused boolean)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    f.flow_slug, f.created_at,
    (select count(*)::int from pgflow.steps s where s.flow_slug = f.flow_slug),
    coalesce(p.is_paused, false)
  from pgflow.flows f
  left join pgflow.prepared_flows p on p.flow_slug = f.flow_slug
  order by f.flow_slug;
end;
$$;

-- ---- schema/70_reading/list_runs.sql
-- for: client
-- The latest runs, without what may be large; null for any flow and any status. begins_at: of one that is to begin later.
-- waits_for and waits_until: see _run_wait.
create function pgflow.list_runs(
  only_flow text default null, only_status text default null, max_runs int default 20
)
returns table (
  run_id uuid,
  flow_slug text,
  status text,
  started_at timestamptz,
  ended_at timestamptz,
  remaining_steps int,
  begins_at timestamptz,
  waits_for text,
  waits_until timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select r.run_id, r.flow_slug, r.status, r.started_at, coalesce(r.completed_at, r.failed_at, r.cancelled_at),
    r.remaining_steps,
    case when r.status = 'started' then r.begins_at end, w.waits_for, w.waits_until
  from pgflow.flows f
  cross join lateral (
    -- of each flow no more than are wanted in all: its index has them in this order
    select *
    from pgflow.runs l
    where l.flow_slug = f.flow_slug
      and (list_runs.only_status is null or l.status = list_runs.only_status)
    order by l.started_at desc, l.run_id desc
    limit greatest(list_runs.max_runs, 0)
  ) r
  left join lateral pgflow._run_wait(r.run_id) w on r.status = 'started'
  where list_runs.only_flow is null or f.flow_slug = list_runs.only_flow
  order by r.started_at desc, r.run_id desc
  limit greatest(list_runs.max_runs, 0);
end;
$$;

-- ---- schema/70_reading/list_schedules.sql
-- for: client
-- The schedules of a flow, all of its versions (null: of all flows), by flow and slug. next_fire is null while one is
-- paused; last_outcome is of the last fire: started, skipped (a run was under way), missed (it was too late), queued (it
-- waits for a run), or failed, then error_message says why and it is tried again.
create function pgflow.list_schedules(only_flow text default null)
returns table (
  flow_slug text,
  schedule_slug text,
  spec jsonb,
  is_paused boolean,
  last_fire timestamptz,
  next_fire timestamptz,
  last_run_id uuid,
  last_outcome text,
  input jsonb,
  error_message text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select s.flow_slug, s.schedule_slug, s.spec, s.is_paused, s.last_fire, s.next_fire, s.last_run_id,
    case when t.failures > 0 then 'failed' else s.last_outcome end, s.input, t.error_message
  from pgflow.schedules s
  left join lateral (
    select i.failures, i.error_message
    from pgflow.timers i
    where i.kind = 'schedule' and i.run_id is null
      and i.payload = jsonb_build_object('family', s.family, 'schedule', s.schedule_slug)
    limit 1
  ) t on true
  where list_schedules.only_flow is null or s.family = pgflow._family(list_schedules.only_flow)
  order by s.family collate "C", s.schedule_slug collate "C";
end;
$$;

-- ---- schema/70_reading/list_tasks.sql
-- for: client
-- The first tasks of each step of a run, from an index on, without what may be large; null for every step.
create function pgflow.list_tasks(
  run_id uuid, only_step text default null, from_index int default 0, max_tasks int default 100
)
returns table (
  step_slug text,
  task_index int,
  status text,
  attempts_count int,
  requeued_count int,
  queued_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  last_worker_id uuid,
  error_message text,
  again_count int,
  again_at timestamptz,
  waits_for text,
  due_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select v.*
  from pgflow.step_states s
  cross join lateral (select pgflow._over_at(s.run_id, s.step_slug) as over_at) o
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = s.run_id and l.step_slug = s.step_slug and l.task_index >= list_tasks.from_index
    order by l.task_index
    limit greatest(list_tasks.max_tasks, 0)
  ) t
  cross join lateral pgflow._shown_task(t, o.over_at) v
  where s.run_id = list_tasks.run_id and (list_tasks.only_step is null or s.step_slug = list_tasks.only_step)
  order by t.step_slug, t.task_index;
end;
$$;

-- ---- schema/70_reading/list_waiting_signals.sql
-- for: client
-- Runs that wait for a signal, those that have waited longest first: of a flow in whatever version (only_flow names any),
-- of a step; null for all. key: under which send_signal_by_key finds it. deadline_at: when it is exhausted; null: never.
-- after_since, after_run_id and after_step_slug are of the last row seen.
create function pgflow.list_waiting_signals(
  only_flow text default null,
  only_step text default null,
  max_count int default 50,
  after_since timestamptz default null,
  after_run_id uuid default null,
  after_step_slug text default null
)
returns table (
  flow_slug text, step_slug text, run_id uuid, key text, since timestamptz, deadline_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- the indexes' order, whatever the statistics say
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_most constant int := least(greatest(coalesce(max_count, 50), 0), 10000);
begin
  if only_flow is null then
    return query
    select w.flow_slug, w.step_slug, w.run_id, w.key, w.since, w.deadline_at
    from pgflow.waiting_signals w
    where (only_step is null or w.step_slug = only_step)
      and w.since >= coalesce(after_since, '-infinity')
      and ((w.since, w.run_id, w.step_slug) > (after_since, after_run_id, after_step_slug)) is not false
    order by w.since, w.run_id, w.step_slug
    limit v_most;
    return;
  end if;
  return query
  select w.flow_slug, w.step_slug, w.run_id, w.key, w.since, w.deadline_at
  from pgflow.steps s
  cross join lateral (
    -- of each signal no more than are wanted in all: its index has them in this order
    select *
    from pgflow.waiting_signals l
    where l.flow_slug = s.flow_slug and l.step_slug = s.step_slug
      and l.since >= coalesce(after_since, '-infinity')
      and ((l.since, l.run_id, l.step_slug) > (after_since, after_run_id, after_step_slug)) is not false
    order by l.since, l.run_id
    limit v_most
  ) w
  where pgflow._family(s.flow_slug) = pgflow._family(only_flow)
    and s.kind = 'signal'
    and (only_step is null or s.step_slug = only_step)
  order by w.since, w.run_id, w.step_slug
  limit v_most;
end;
$$;

-- ---- schema/70_reading/measure_queue.sql
-- for: worker, client
-- One flow's queue, for pgflow.queue_metrics, whose columns are explained there. The archive is not counted but
-- estimated: it may hold millions.
create function pgflow.measure_queue(flow_slug text)
returns table (
  queue_length bigint,
  visible_count bigint,
  started_count bigint,
  delayed_count bigint,
  oldest_message_seconds double precision,
  longest_wait_seconds double precision,
  sent_count bigint,
  archived_estimate bigint,
  waiting_count bigint,
  failing_timer_count bigint,
  waiting_signal_count bigint,
  longest_signal_wait_seconds double precision,
  paused_schedule_count bigint,
  failing_schedule_count bigint,
  late_schedule_seconds double precision,
  failed_undo_count bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue text := pgflow._queue_table(measure_queue.flow_slug, 'q');
  v_archive text := pgflow._queue_table(measure_queue.flow_slug, 'a');
begin
  if measure_queue.flow_slug is null
    or to_regclass(format('pgmq.%I', v_queue)) is null
    or not exists (select 1 from pgflow.flows f where f.flow_slug = measure_queue.flow_slug)
  then
    return;
  end if;
  return query execute format(
    $sql$
      select
        c.total, c.visible, s.started, c.total - c.visible - s.started,
        (
          select greatest(extract(epoch from $2 - q.enqueued_at), 0)::double precision
          from pgmq.%1$I q
          order by q.msg_id
          limit 1
        ),
        extract(epoch from $2 - (select min(q.vt) from pgmq.%1$I q where q.vt <= $2))::double precision,
        n.sent,
        coalesce(pg_stat_get_live_tuples(to_regclass($3)), 0),
        i.waiting, i.failing, g.waiting, g.longest, h.paused, i.failing_schedules, i.late, u.failed
      from (
        select count(*) as total, count(*) filter (where q.vt <= $2) as visible from pgmq.%1$I q
      ) c
      cross join (
        -- of delivered messages there are hardly more than workers have slots
        select count(*) as started
        from pgmq.%1$I q
        cross join lateral (
          select 1
          from pgflow.step_tasks t
          where t.run_id = (q.message ->> 'run_id')::uuid
            and t.step_slug = q.message ->> 'step_slug'
            and t.task_index = (q.message ->> 'task_index')::int
            and t.message_id = q.msg_id
            and t.status = 'started'
          limit 1
        ) t
        where q.read_ct > 0 and q.vt > $2 and pgflow._is_task_message(q.message) and q.message ->> 'flow_slug' = $1
      ) s
      cross join (
        select coalesce(pg_sequence_last_value(pg_get_serial_sequence(%2$L, 'msg_id')::regclass), 0) as sent
      ) n
      cross join (
        select count(*) filter (where t.kind = 'wait') as waiting, count(*) filter (where t.failures > 0) as failing,
          count(*) filter (where t.failures > 0 and t.kind = 'schedule') as failing_schedules,
          extract(epoch from $2 - min(t.due_at) filter (where t.kind = 'schedule' and t.due_at < $2))::double precision
            as late
        from pgflow.timers t
        where t.flow_slug = $1
      ) i
      cross join (
        select count(*) as waiting, extract(epoch from $2 - min(w.since))::double precision as longest
        from pgflow.waiting_signals w
        where w.flow_slug = $1
      ) g
      cross join (
        select count(*) as paused from pgflow.schedules d where d.flow_slug = $1 and d.is_paused
      ) h
      cross join (
        select count(*) as failed
        from pgflow.runs r
        join pgflow.origins o on o.run_id = r.run_id
        where r.flow_slug = $1 || '__undo' and (r.failed_at is not null or r.cancelled_at is not null) and r.has_origin
          and not pgflow._is_left_behind(o.from_run_id, o.attempt)
      ) u
    $sql$,
    v_queue, format('pgmq.%I', v_queue)
  ) using measure_queue.flow_slug, clock_timestamp(), format('pgmq.%I', v_archive);
end;
$$;

-- ---- schema/70_reading/measure_runs.sql
-- for: client
-- How many runs of a flow started in each part of a time, how they ended and how long they took: of the latest
-- max_runs, within a hundred years, in 10,000 parts at most, else PF011. A row for each part, empty ones too; the first ones are null where the runs looked at do not reach.
create function pgflow.measure_runs(
  flow_slug text, recent interval default '1 hour', part_count int default 60, max_runs int default 20000
)
returns table (
  part_at timestamptz,
  part_seconds double precision,
  run_count bigint,
  completed_count bigint,
  failed_count bigint,
  duration_p50_seconds double precision,
  duration_p95_seconds double precision,
  cancelled_count bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_seconds double precision;
  v_first timestamptz;
begin
  if (measure_runs.part_count between 1 and 10000) is not true
    or (measure_runs.recent > interval '0' and measure_runs.recent <= interval '100 years') is not true
  then
    raise exception 'Runs cannot be measured in % parts of %', measure_runs.part_count, measure_runs.recent
      using errcode = 'PF011', hint = 'Ask for 1 to 10,000 parts of a time up to a hundred years.';
  end if;
  v_seconds := extract(epoch from measure_runs.recent)::double precision / measure_runs.part_count;
  v_first := now() - measure_runs.recent;
  return query
  with latest as materialized (
    select
      r.status,
      r.started_at,
      extract(epoch from coalesce(r.completed_at, r.failed_at, r.cancelled_at) - r.started_at)::double precision as seconds,
      least(
        floor(extract(epoch from r.started_at - v_first)::double precision / v_seconds)::int,
        measure_runs.part_count - 1
      ) as part
    from pgflow.runs r
    where r.flow_slug = measure_runs.flow_slug and r.started_at > v_first
    order by r.started_at desc
    limit greatest(measure_runs.max_runs, 0)
  ),
  parts as (
    select
      l.part,
      count(*) as runs,
      count(*) filter (where l.status = 'completed') as completed,
      count(*) filter (where l.status = 'failed') as failed,
      count(*) filter (where l.status = 'cancelled') as cancelled,
      percentile_cont(array[0.5, 0.95]) within group (order by l.seconds)
        filter (where l.status = 'completed') as durations
    from latest l
    group by l.part
  ),
  reach as (
    select case when count(*) >= measure_runs.max_runs then min(l.part) else 0 end as part from latest l
  )
  select
    v_first + make_interval(secs => n.part * v_seconds),
    v_seconds,
    case when n.part >= h.part then coalesce(p.runs, 0) end,
    case when n.part >= h.part then coalesce(p.completed, 0) end,
    case when n.part >= h.part then coalesce(p.failed, 0) end,
    p.durations[1],
    p.durations[2],
    case when n.part >= h.part then coalesce(p.cancelled, 0) end
  from generate_series(0, measure_runs.part_count - 1) n(part)
  cross join reach h
  left join parts p on p.part = n.part
  order by n.part;
end;
$$;

-- ---- schema/70_reading/measure_steps.sql
-- for: client
-- The steps of a flow in its latest runs: at most max_runs that started within recent. One row a step, in the
-- order of definition; columns as in pgflow.step_overview, which is this with the defaults.
create function pgflow.measure_steps(
  flow_slug text, recent interval default '1 hour', max_runs int default 1000
)
returns table (
  step_slug text,
  step_type text,
  step_index int,
  window_seconds double precision,
  run_count bigint,
  created_count bigint,
  started_count bigint,
  completed_count bigint,
  failed_count bigint,
  skipped_count bigint,
  queued_task_count bigint,
  started_task_count bigint,
  completed_task_count bigint,
  failed_task_count bigint,
  retry_count bigint,
  requeue_count bigint,
  completed_per_second double precision,
  duration_p50_seconds double precision,
  duration_p95_seconds double precision,
  duration_p99_seconds double precision,
  wait_p50_seconds double precision,
  wait_p95_seconds double precision,
  cancelled_count bigint,
  cancelled_task_count bigint,
  again_count bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with latest as materialized (
    select r.run_id, r.started_at, r.status = 'started' as is_open
    from pgflow.runs r
    where r.flow_slug = measure_steps.flow_slug and r.started_at > pgflow._ago(measure_steps.recent)
    order by r.started_at desc
    limit greatest(measure_steps.max_runs, 0)
  ),
  span as (
    select count(*) as runs, extract(epoch from clock_timestamp() - min(l.started_at))::double precision as seconds
    from latest l
  ),
  states as (
    select
      s.step_slug,
      count(*) filter (where s.status = 'created' and l.is_open) as created,
      count(*) filter (where s.status = 'started' and l.is_open) as started,
      count(*) filter (where s.status = 'completed') as completed,
      count(*) filter (where s.status = 'failed') as failed,
      count(*) filter (where s.status = 'skipped') as skipped,
      count(*) filter (
        where s.status = 'cancelled' or s.status in ('created', 'started') and not l.is_open
      ) as cancelled
    from latest l
    join pgflow.step_states s on s.run_id = l.run_id
    group by s.step_slug
  ),
  tasks as (
    select
      t.step_slug,
      count(*) filter (where t.status = 'queued' and l.is_open and s.status = 'started') as queued,
      count(*) filter (where t.status = 'started' and l.is_open and s.status = 'started') as started,
      count(*) filter (
        where t.status = 'cancelled' or t.status in ('queued', 'started') and not (l.is_open and s.status = 'started')
      ) as cancelled,
      count(*) filter (where t.status = 'completed') as completed,
      count(*) filter (where t.status = 'failed') as failed,
      -- attempts that were no first ones, not given back by a crash, and not asked for
      sum(greatest(t.attempts_count - t.requeued_count - coalesce(t.again_count, 0) - 1, 0))::bigint as retries,
      sum(t.again_count)::bigint as again,
      sum(t.requeued_count)::bigint as requeues,
      percentile_cont(array[0.5, 0.95, 0.99]) within group (
        order by extract(epoch from t.completed_at - t.started_at)::double precision
      ) filter (where t.completed_at is not null) as durations,
      percentile_cont(array[0.5, 0.95]) within group (
        order by extract(epoch from t.started_at - t.queued_at)::double precision
      ) filter (where t.started_at is not null) as waits
    from latest l
    join pgflow.step_tasks t on t.run_id = l.run_id
    join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = t.step_slug
    group by t.step_slug
  )
  select
    st.step_slug,
    st.step_type,
    st.step_index,
    p.seconds,
    p.runs,
    coalesce(s.created, 0),
    coalesce(s.started, 0),
    coalesce(s.completed, 0),
    coalesce(s.failed, 0),
    coalesce(s.skipped, 0),
    coalesce(t.queued, 0),
    coalesce(t.started, 0),
    coalesce(t.completed, 0),
    coalesce(t.failed, 0),
    coalesce(t.retries, 0),
    coalesce(t.requeues, 0),
    coalesce(t.completed, 0) / nullif(p.seconds, 0),
    t.durations[1],
    t.durations[2],
    t.durations[3],
    t.waits[1],
    t.waits[2],
    coalesce(s.cancelled, 0),
    coalesce(t.cancelled, 0),
    coalesce(t.again, 0)
  from pgflow.steps st
  cross join span p
  left join states s on s.step_slug = st.step_slug
  left join tasks t on t.step_slug = st.step_slug
  where st.flow_slug = measure_steps.flow_slug
  order by st.step_index;
end;
$$;

-- ---- schema/70_reading/queue_metrics.sql
-- for: worker, client
-- A later version may add columns at the end only: create or replace view demands it.
create view pgflow.queue_metrics as
select
  f.flow_slug, m.queue_length, m.visible_count, m.started_count, m.delayed_count, m.oldest_message_seconds,
  m.longest_wait_seconds, m.sent_count, m.archived_estimate, w.worker_count, m.waiting_count,
  m.failing_timer_count, m.waiting_signal_count, m.longest_signal_wait_seconds, m.paused_schedule_count,
  m.failing_schedule_count, m.late_schedule_seconds, m.failed_undo_count
from pgflow.flows f
cross join lateral pgflow.measure_queue(f.flow_slug) m
cross join lateral (
  select count(*) as worker_count
  from pgflow.workers k
  where k.queue_name = f.flow_slug
    and k.stopped_at is null
    and k.deprecated_at is null
    and k.last_heartbeat_at > now() - interval '30 seconds'
) w;

comment on view pgflow.queue_metrics is
  'The queue of each flow as it is now. A condition on flow_slug looks at that queue only.';
comment on column pgflow.queue_metrics.queue_length is 'Messages in the queue: tasks that have not ended and do not wait for a time.';
comment on column pgflow.queue_metrics.visible_count is 'Messages that a worker may take now.';
comment on column pgflow.queue_metrics.started_count is 'Tasks that workers are at.';
comment on column pgflow.queue_metrics.delayed_count is 'Messages that wait: for a retry in ten seconds or less or a start delay, or read a moment ago.';
comment on column pgflow.queue_metrics.oldest_message_seconds is 'Seconds since the oldest message was sent; null: the queue is empty.';
comment on column pgflow.queue_metrics.longest_wait_seconds is 'Seconds for which a message has been visible and nobody took it; null: none is visible. What to alert on.';
comment on column pgflow.queue_metrics.sent_count is 'Messages sent since the queue was made; transactions that were rolled back leave gaps, which count.';
comment on column pgflow.queue_metrics.archived_estimate is 'Messages of ended tasks that are still kept, as PostgreSQL''s statistics have it.';
comment on column pgflow.queue_metrics.worker_count is 'Worker processes that serve the flow: registered, not deprecated, heard of within 30 seconds.';
comment on column pgflow.queue_metrics.waiting_count is 'Tasks without a message that wait for a time: retries in more than ten seconds.';
comment on column pgflow.queue_metrics.failing_timer_count is 'Timers of the flow that could not be fired; they are tried again, an hour apart at most.';
comment on column pgflow.queue_metrics.waiting_signal_count is 'Signal steps that wait for somebody.';
comment on column pgflow.queue_metrics.longest_signal_wait_seconds is 'For how long the first of them has been waiting; null: none is.';
comment on column pgflow.queue_metrics.paused_schedule_count is 'Schedules that start runs of the flow and are paused.';
comment on column pgflow.queue_metrics.failing_schedule_count is 'Those whose last fire failed; they are tried again, and count as failing timers too.';
comment on column pgflow.queue_metrics.late_schedule_seconds is 'For how long a fire of one has been due that nobody has seen to; null: none is. What to alert on.';
comment on column pgflow.queue_metrics.failed_undo_count is 'Undos of the flow''s runs that have failed: somebody has to look at them.';

-- ---- schema/70_reading/run_overview.sql
-- for: client
-- Neither input nor outputs, which may be large. Steps are counted for the rows that are returned only.
create view pgflow.run_overview as
select
  r.run_id,
  r.flow_slug,
  r.status,
  r.started_at,
  coalesce(r.completed_at, r.failed_at, r.cancelled_at) as ended_at,
  extract(epoch from coalesce(r.completed_at, r.failed_at, r.cancelled_at, now()) - r.started_at)::double precision as duration_seconds,
  s.step_count,
  s.created_step_count,
  s.started_step_count,
  s.completed_step_count,
  s.failed_step_count,
  s.skipped_step_count,
  s.failed_step_slug,
  r.error_message,
  s.cancelled_step_count,
  r.cancel_reason,
  case when r.status = 'started' then r.held_at end as held_at,
  r.begins_at
from pgflow.runs r
left join lateral (
  select
    count(*) as step_count,
    count(*) filter (where t.status = 'created' and r.status = 'started') as created_step_count,
    count(*) filter (where t.status = 'started' and r.status = 'started') as started_step_count,
    count(*) filter (where t.status = 'completed') as completed_step_count,
    count(*) filter (where t.status = 'failed') as failed_step_count,
    count(*) filter (where t.status = 'skipped') as skipped_step_count,
    count(*) filter (
      where t.status = 'cancelled' or t.status in ('created', 'started') and r.status <> 'started'
    ) as cancelled_step_count,
    (
      array_agg(t.step_slug order by t.error_message is distinct from r.error_message, t.failed_at, t.step_slug)
        filter (where t.status = 'failed')
    )[1] as failed_step_slug
  from pgflow.step_states t
  where t.run_id = r.run_id
) s on true;

comment on view pgflow.run_overview is
  'Runs with their steps counted. Quick by run_id, by flow_slug with a time or the latest started_at first, and page by page in the order of run_id.';
comment on column pgflow.run_overview.run_id is 'Ids made by pgflow sort by time, so "order by run_id desc" means the latest first.';
comment on column pgflow.run_overview.ended_at is 'When the run completed, failed or was cancelled; null: it goes on.';
comment on column pgflow.run_overview.duration_seconds is 'From start to end; to now for a run that goes on.';
comment on column pgflow.run_overview.created_step_count is 'Steps that wait for others.';
comment on column pgflow.run_overview.started_step_count is 'Steps whose tasks are queued or at work.';
comment on column pgflow.run_overview.failed_step_slug is 'The step that failed the run.';
comment on column pgflow.run_overview.error_message is 'Why the run failed.';
comment on column pgflow.run_overview.cancelled_step_count is 'Steps that were at work, or waited, when the run ended.';
comment on column pgflow.run_overview.cancel_reason is 'Why the run was cancelled, as given by who did it.';
comment on column pgflow.run_overview.held_at is 'Since when the run is held; null: it is not.';
comment on column pgflow.run_overview.begins_at is 'When a run that was started for later begins; null: it has begun.';

-- ---- schema/70_reading/schedules_overview.sql
-- for: client
create view pgflow.schedules_overview as select * from pgflow.list_schedules();

comment on view pgflow.schedules_overview is
  'Each schedule: what pgflow.list_schedules lists.';
comment on column pgflow.schedules_overview.spec is 'When it fires, in which zone, and what overlapping and late fires do; cron is the expression as it was written.';
comment on column pgflow.schedules_overview.next_fire is 'Null while it is paused.';
comment on column pgflow.schedules_overview.last_run_id is 'The run that it started last; it may have been pruned.';
comment on column pgflow.schedules_overview.last_outcome is 'started, skipped, missed, queued or failed.';
comment on column pgflow.schedules_overview.error_message is 'Why the last fire failed; it is tried again.';

-- ---- schema/70_reading/step_overview.sql
-- for: client
create view pgflow.step_overview as
select f.flow_slug, m.*
from pgflow.flows f
cross join lateral pgflow.measure_steps(f.flow_slug) m;

comment on view pgflow.step_overview is
  'Each step in the latest runs of its flow: those started within the last hour, 1,000 at most. pgflow.measure_steps takes other limits.';
comment on column pgflow.step_overview.window_seconds is 'Seconds since the start of the oldest run looked at; null: there was none.';
comment on column pgflow.step_overview.run_count is 'Runs looked at.';
comment on column pgflow.step_overview.created_count is 'Runs in which the step waits for others.';
comment on column pgflow.step_overview.started_count is 'Runs in which the step is at work; likewise completed, failed and skipped.';
comment on column pgflow.step_overview.queued_task_count is 'Tasks that no worker has taken; a map has one for each element. Likewise started, completed and failed.';
comment on column pgflow.step_overview.retry_count is 'Attempts after a task''s first that a failure made necessary.';
comment on column pgflow.step_overview.requeue_count is 'How often a task was taken from a worker that had died.';
comment on column pgflow.step_overview.completed_per_second is 'Completed tasks by window_seconds.';
comment on column pgflow.step_overview.duration_p50_seconds is 'Of the completed tasks'' last attempts, from claim to result: half were quicker. Likewise p95 and p99.';
comment on column pgflow.step_overview.wait_p50_seconds is 'From queued to started, start delays and earlier attempts included: half were quicker. Likewise p95.';
comment on column pgflow.step_overview.cancelled_count is 'Runs that ended while the step waited or was at work.';
comment on column pgflow.step_overview.cancelled_task_count is 'Tasks that were open when their step was skipped or their run ended.';
comment on column pgflow.step_overview.again_count is 'Attempts that ended by asking to run again later (RetryAfter): polls, which are no failures.';

-- ---- schema/70_reading/unwatch_runs.sql
-- for: client
-- Ends the announcement of watch_runs.
create function pgflow.unwatch_runs(watcher_id uuid, run_ids uuid[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from pgflow.announcements a
  using unnest(unwatch_runs.run_ids) r(run_id)
  where a.channel = 'pgflow_run_' || replace(r.run_id::text, '-', '')
    and a.announcer_id = unwatch_runs.watcher_id;
end;
$$;

-- ---- schema/70_reading/waiting_runs.sql
-- for: client
-- A later version may add columns at the end only: create or replace view demands it.
create view pgflow.waiting_runs as
select w.flow_slug, w.run_id, w.step_slug, 'signal' as waits_for, w.since, w.deadline_at as due_at, w.key
from pgflow.waiting_signals w
union all
select t.flow_slug, t.run_id, t.step_slug, t.kind, coalesce(s.started_at, r.started_at), t.due_at, null
from pgflow.timers t
join pgflow.runs r on r.run_id = t.run_id
left join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = t.step_slug
where t.kind in ('sleep', 'begin');

comment on view pgflow.waiting_runs is
  'What runs wait for that no worker can do: signals, the ends of sleeps, the time at which they begin. Quick by run_id.';
comment on column pgflow.waiting_runs.step_slug is 'The step that waits; null: the whole run, which has not begun.';
comment on column pgflow.waiting_runs.waits_for is 'signal, sleep or begin.';
comment on column pgflow.waiting_runs.since is 'When it began to wait.';
comment on column pgflow.waiting_runs.due_at is 'When that is over by itself: for a signal its deadline; null: it has none.';
comment on column pgflow.waiting_runs.key is 'Under which the signal is found by send_signal_by_key.';

-- ---- schema/70_reading/watch_runs.sql
-- for: client
-- Asks for notifications 'pgflow_run_<run_id without dashes>' for so many seconds, an hour at most:
-- hints to read again.
create function pgflow.watch_runs(watcher_id uuid, run_ids uuid[], seconds int)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgflow.announcements (channel, announcer_id, valid_until)
  select 'pgflow_run_' || replace(r.run_id::text, '-', ''), watch_runs.watcher_id,
    pgflow._seconds_from_now(watch_runs.seconds)
  -- distinct here: the clock goes on from row to row
  from (select distinct i.run_id from unnest(watch_runs.run_ids) i(run_id)) r
  order by 1
  on conflict on constraint announcements_pkey do update set valid_until = excluded.valid_until;
end;
$$;

-- ---- schema/80_maintenance/_bury_workers.sql
-- Judges the workers of a flow by their signs of life: heartbeats, claims and results, which write their rows, and
-- the tasks they have started, should somebody hold the row. Those silent for 30 s are marked dead, so that they get
-- no more tasks until they have registered again; locked rows are left for later. Returns the flow's dead workers,
-- stopped ones too, that may still hold tasks.
create function pgflow._bury_workers(flow_slug text, out dead_ids uuid[])
language plpgsql
as $$
declare
  v_silent_ids uuid[];
  v_starting_ids uuid[];
begin
  select array_agg(w.worker_id) into v_silent_ids
  from pgflow.workers w
  where w.queue_name = _bury_workers.flow_slug
    and w.beats
    and w.recovered_at is null
    and (w.stopped_at is not null or w.last_heartbeat_at < clock_timestamp() - interval '30 seconds');
  if v_silent_ids is null then
    return;
  end if;

  select array_agg(distinct d.worker_id) into v_starting_ids
  from pgflow._delivered_tasks(_bury_workers.flow_slug, null) d
  where d.worker_id = any(v_silent_ids) and d.started_at > now() - interval '30 seconds';

  select array_agg(l.worker_id) into dead_ids
  from (
    select w.worker_id
    from pgflow.workers w
    where w.worker_id = any(v_silent_ids)
      and (
        w.stopped_at is not null
        or w.died_at is not null
        or (
          w.last_heartbeat_at < clock_timestamp() - interval '30 seconds'
          and (w.worker_id = any(v_starting_ids)) is not true
        )
      )
    order by w.worker_id
    for no key update skip locked
  ) l;

  update pgflow.workers w
  set died_at = now()
  where w.worker_id = any(dead_ids) and w.stopped_at is null and w.died_at is null;
end;
$$;

-- ---- schema/80_maintenance/_counts_as_death.sql
-- Whether losing this task counts against it: its worker is dead, and did not die with it before, or it never
-- reported in time.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._counts_as_death(task pgflow.step_tasks, dead_ids uuid[])
returns boolean
language sql
immutable
as $$
  select (task.last_worker_id = any(dead_ids) and task.last_worker_id = any(task.killed_workers)) is not true;
$$;

-- ---- schema/80_maintenance/_find_stalled.sql
-- Keys of tasks that seem to be stalled, judged without locks: of a flow's started tasks those whose time is over
-- (they are the first whose messages become visible again, so a few thousand are looked at, however many are under
-- way) and those of its dead workers, for whose sake all are looked at. At most max_tasks.
create function pgflow._find_stalled(
  flow_slug text, dead_ids uuid[], max_tasks int, out run_ids uuid[], out step_slugs text[], out task_indexes int[]
)
language plpgsql
as $$
declare
  v_slugs text[];
  v_timeouts int[];
begin
  select p.step_slugs, p.timeouts into v_slugs, v_timeouts
  from pgflow.prepared_flows p
  where p.flow_slug = _find_stalled.flow_slug;

  select array_agg(s.run_id), array_agg(s.step_slug), array_agg(s.task_index)
  into run_ids, step_slugs, task_indexes
  from (
    select d.run_id, d.step_slug, d.task_index
    from pgflow._delivered_tasks(
      _find_stalled.flow_slug, case when _find_stalled.dead_ids is null then 2 * _find_stalled.max_tasks end
    ) d
    where d.worker_id = any(_find_stalled.dead_ids)
      or d.is_given_up
      or d.started_at
        < now() - make_interval(secs => v_timeouts[array_position(v_slugs, d.step_slug)] + 30)
    limit _find_stalled.max_tasks
  ) s;
end;
$$;

-- ---- schema/80_maintenance/_given_up.sql
-- Keys of the tasks that requeue_stalled_tasks has given up on and nobody has ended yet, at most max_tasks.
create function pgflow._given_up(
  max_tasks int, out run_ids uuid[], out step_slugs text[], out task_indexes int[]
)
language plpgsql
as $$
begin
  select array_agg(s.run_id), array_agg(s.step_slug), array_agg(s.task_index)
  into run_ids, step_slugs, task_indexes
  from (
    select t.run_id, t.step_slug, t.task_index
    from pgflow.step_tasks t
    where t.permanently_stalled_at is not null and t.status = 'started'
    limit _given_up.max_tasks
  ) s;
end;
$$;

-- ---- schema/80_maintenance/_lock_stalled.sql
-- Of these started tasks (keys) locks and returns those that are stalled: for good already, or started longer
-- ago than they may take plus 30 s, or owned by a dead worker. Runs that somebody works on right now are skipped:
-- they are alive, and waiting here could deadlock. Of runs and steps that have ended no task is touched.
create function pgflow._lock_stalled(
  dead_ids uuid[],
  in run_ids uuid[],
  in step_slugs text[],
  in task_indexes int[],
  out stalled_run_ids uuid[],
  out stalled_step_slugs text[],
  out stalled_task_indexes int[]
)
language plpgsql
as $$
declare
  v_locked record;
begin
  select array_agg(k.run_id) as run_ids, array_agg(k.step_slug) as step_slugs,
    array_agg(k.task_index) as task_indexes
  into v_locked
  from (
    select *
    from unnest(_lock_stalled.run_ids, _lock_stalled.step_slugs, _lock_stalled.task_indexes)
      g(run_id, step_slug, task_index)
    order by g.run_id, g.step_slug, g.task_index
  ) k
  cross join lateral (
    select l.run_id
    from pgflow.runs l
    where l.run_id = k.run_id and l.status = 'started'
    limit 1
    for no key update skip locked
  ) r;

  -- judged again: what was read without locks may have changed meanwhile
  select array_agg(t.run_id), array_agg(t.step_slug), array_agg(t.task_index)
  into stalled_run_ids, stalled_step_slugs, stalled_task_indexes
  from unnest(v_locked.run_ids, v_locked.step_slugs, v_locked.task_indexes) k(run_id, step_slug, task_index)
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
    limit 1
    for no key update skip locked
  ) t
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = k.run_id and l.step_slug = k.step_slug limit 1
  ) s
  cross join lateral (select l from pgflow.prepared_flows l where l.flow_slug = t.flow_slug limit 1) p(flow)
  where s.status in ('created', 'started')
    and t.status = 'started'
    and (
      t.permanently_stalled_at is not null
      or t.started_at
        < now() - make_interval(secs => pgflow._seconds_allowed(p.flow, t.step_slug, t.started_at) + 30)
      or t.last_worker_id = any(_lock_stalled.dead_ids)
    );
end;
$$;

-- ---- schema/80_maintenance/_prune_archives.sql
-- Deletes messages that were archived before the cutoff: of each flow up to max_messages, null for all. Those
-- that another pruner is at are left to it: two of them would delete in different orders and deadlock.
create function pgflow._prune_archives(cutoff timestamptz, max_messages int)
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
begin
  for v_flow_slug in select f.flow_slug from pgflow.flows f order by f.flow_slug loop
    if to_regclass(format('pgmq.%I', pgflow._queue_table(v_flow_slug, 'a'))) is not null then
      execute format(
        $sql$
          delete from pgmq.%1$I d
          where d.msg_id = any(array(
            select a.msg_id from pgmq.%1$I a where a.archived_at < $1 order by a.archived_at limit $2
            for update skip locked
          ))
        $sql$,
        pgflow._queue_table(v_flow_slug, 'a')
      ) using cutoff, max_messages;
    end if;
  end loop;
end;
$$;

-- ---- schema/80_maintenance/_prune_runs.sql
-- Deletes ended runs with their messages, archived ones too, tasks and states. Callers pass ended runs only.
create function pgflow._prune_runs(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_queue record;
begin
  for v_queue in
    select t.flow_slug, array_agg(t.message_id order by t.message_id) as ids
    from pgflow.step_tasks t
    where t.run_id = any(_prune_runs.run_ids) and t.message_id is not null
    group by t.flow_slug
    order by t.flow_slug
  loop
    if to_regclass(format('pgmq.%I', pgflow._queue_table(v_queue.flow_slug, 'q'))) is not null then
      execute format(
        'delete from pgmq.%I q where q.msg_id = any($1)', pgflow._queue_table(v_queue.flow_slug, 'q')
      ) using v_queue.ids;
      execute format(
        'delete from pgmq.%I a where a.msg_id = any($1)', pgflow._queue_table(v_queue.flow_slug, 'a')
      ) using v_queue.ids;
    end if;
  end loop;

  delete from pgflow.late_results l where l.run_id = any(_prune_runs.run_ids);
  delete from pgflow.timers i where i.run_id = any(_prune_runs.run_ids);
  delete from pgflow.waiting_signals w where w.run_id = any(_prune_runs.run_ids);
  delete from pgflow.signal_keys k where k.run_id = any(_prune_runs.run_ids);
  delete from pgflow.signals g where g.run_id = any(_prune_runs.run_ids);
  delete from pgflow.step_tasks t where t.run_id = any(_prune_runs.run_ids);
  delete from pgflow.step_states s where s.run_id = any(_prune_runs.run_ids);
  delete from pgflow.ended_children e where e.run_id = any(_prune_runs.run_ids) or e.child_run_id = any(_prune_runs.run_ids);
  delete from pgflow.origins o where o.run_id = any(_prune_runs.run_ids);
  delete from pgflow.runs r where r.run_id = any(_prune_runs.run_ids);
end;
$$;

-- ---- schema/80_maintenance/_refuse_orphans.sql
-- What foreign keys on runs, step_states and step_tasks would see to, paid by who deletes, empties or re-keys instead of
-- by each start: refuses it while rows of another table rest on what is gone. The trigger says which rows those are: the
-- name of their table, and the condition under which such a child rests on a parent.
create function pgflow._refuse_orphans()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_child constant text := tg_argv[0];
  v_rests constant text := tg_argv[1];
  v_left boolean;
begin
  case tg_op
    when 'DELETE' then
      execute format('select exists (select 1 from gone parent join pgflow.%I child on %s)', v_child, v_rests) into v_left;
    when 'UPDATE' then
      execute format('select exists (select 1 from (select ($1).*) parent join pgflow.%I child on %s)', v_child, v_rests)
        using old into v_left;
    else  -- TRUNCATE, once all tables of the statement are empty
      execute format('select exists (select 1 from pgflow.%I)', v_child) into v_left;
  end case;
  if v_left then
    raise exception 'Rows of pgflow.% cannot be %: rows of pgflow.% belong to them',
      tg_table_name,
      case tg_op when 'DELETE' then 'deleted' when 'UPDATE' then 'given other keys' else 'emptied' end,
      v_child
      using errcode = '23503',
        hint = 'Delete runs with prune_batch, and flows with delete_flow_and_data, which take everything along.';
  end if;
  return null;
end;
$$;

-- ---- schema/80_maintenance/_replace_cron_job.sql
-- Never two jobs of one name, and no error when there was none. A schedule of seconds needs a pg_cron that knows them.
create function pgflow._replace_cron_job(job_name text, schedule text, command text)
returns void
language plpgsql
as $$
begin
  perform pgflow._require_trusted('cron');
  begin
    perform cron.unschedule(_replace_cron_job.job_name);
  exception
    when undefined_function or invalid_schema_name or undefined_table then
      raise;  -- no pg_cron here: say so
    when others then
      null;   -- no job of that name yet
  end;
  begin
    perform cron.schedule(_replace_cron_job.job_name, _replace_cron_job.schedule, _replace_cron_job.command);
  exception
    when invalid_parameter_value then
      if _replace_cron_job.schedule !~ 'seconds?\s*$' then
        raise;
      end if;
      raise exception 'This pg_cron does not take the schedule "%": it knows no seconds', _replace_cron_job.schedule
        using errcode = 'PF011',
          hint = 'Update the extension pg_cron to 1.5 or later, or pass cron_interval => ''* * * * *'', once a minute.';
  end;
end;
$$;

-- ---- schema/80_maintenance/_requeue.sql
-- Puts stalled tasks (keys) back into their queues, or marks them stalled for good and archives their messages: with
-- deaths_decide one with which three different workers died, or that was requeued three times for that or as its
-- result never came, else one that has been requeued three times. The deaths of one worker count once: what it loses is hardly the task's doing.
-- Callers have established that they are stalled and hold their runs' locks. Returns how
-- many were requeued.
create function pgflow._requeue(
  dead_ids uuid[], deaths_decide boolean, run_ids uuid[], step_slugs text[], task_indexes int[]
)
returns int
language plpgsql
as $$
declare
  v_again record;
  v_over record;
  v_all bigint;  -- see 00_model/model.sql
begin
  with given_up as (
    update pgflow.step_tasks t
    set permanently_stalled_at = now(),
        killed_workers = case
          when _requeue.deaths_decide then array_append(t.killed_workers, t.last_worker_id) else t.killed_workers end
    from (
      select *
      from unnest(_requeue.run_ids, _requeue.step_slugs, _requeue.task_indexes) g(run_id, step_slug, task_index)
      limit v_all
    ) k
    where t.run_id = k.run_id
      and t.step_slug = k.step_slug
      and t.task_index = k.task_index
      and t.status = 'started'
      and case
        when _requeue.deaths_decide then
          coalesce(cardinality(t.killed_workers), 0) >= case when t.last_worker_id = any(dead_ids) then 2 else 3 end
          and pgflow._counts_as_death(t, dead_ids)
        else t.requeued_count >= 3
      end
      and t.permanently_stalled_at is null
    returning t.flow_slug, t.message_id
  )
  select array_agg(g.flow_slug) as flow_slugs, array_agg(g.message_id) as msg_ids into v_over from given_up g;

  with requeued as (
    update pgflow.step_tasks t
    set status = 'queued',
        started_at = null,
        last_worker_id = null,
        last_requeued_at = now(),
        killed_workers = case
          when _requeue.deaths_decide and pgflow._counts_as_death(t, dead_ids)
            then array_append(t.killed_workers, t.last_worker_id)
          else t.killed_workers
        end,
        requeued_count = t.requeued_count + 1
    from (
      select *
      from unnest(_requeue.run_ids, _requeue.step_slugs, _requeue.task_indexes) g(run_id, step_slug, task_index)
      limit v_all
    ) k
    where t.run_id = k.run_id
      and t.step_slug = k.step_slug
      and t.task_index = k.task_index
      and t.status = 'started'
      and t.permanently_stalled_at is null
    returning t.flow_slug, t.message_id
  )
  select
    array_agg(r.flow_slug) as flow_slugs, array_agg(r.message_id) as msg_ids, array_agg(0) as delays,
    count(*)::int as task_count
  into v_again
  from requeued r;

  perform pgflow._archive(v_over.flow_slugs, v_over.msg_ids);
  perform pgflow._send_back(v_again.flow_slugs, v_again.msg_ids, v_again.delays);
  if exists (select 1 from pgflow.runs r where r.run_id = any(_requeue.run_ids) and r.held_at is not null) then
    perform pgflow._keep_held(_requeue.run_ids);
  end if;
  perform pgflow._notify(v_again.flow_slugs, null);
  return v_again.task_count;
end;
$$;

-- ---- schema/80_maintenance/lock_holders.sql
-- for: worker
-- The sessions whose transactions hold these runs, by their process ids. What becomes of a session is for the
-- caller to decide, with the caller's own rights.
create function pgflow.lock_holders(run_ids uuid[])
returns setof int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_holder xid;
  v_holders xid[];
begin
  for v_holder in
    select distinct r.xmax::text::xid
    from pgflow.runs r
    where r.run_id = any(array(select * from pgflow.locked_runs(lock_holders.run_ids))) and r.xmax <> 0
  loop
    v_holders := v_holders || v_holder;
    -- several transactions that share a row are told by a number of their own, which looks like one of theirs
    begin
      v_holders := v_holders || array(
        select m.xid from pg_get_multixact_members(v_holder) m where m.mode <> 'keysh'
      );
    exception when others then
      null;
    end;
  end loop;
  return query
  select distinct l.pid
  from pg_locks l
  where l.locktype = 'transactionid' and l.granted and l.mode = 'ExclusiveLock'
    and l.transactionid = any(v_holders) and l.pid <> pg_backend_pid();
end;
$$;

-- ---- schema/80_maintenance/orphan_triggers.sql
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

-- ---- schema/80_maintenance/prune_batch.sql
-- for: worker
-- Deletes up to max_runs ended runs, children before their parents, else oldest ids first, skipping those another pruner
-- has; with the last batch (fewer than max_runs) also some old archived messages, actions of the trail and dead workers,
-- so that each call stays short; one pruner at a time does the latter.
-- Returns how many runs; call it again while that is max_runs.
create function pgflow.prune_batch(retention_interval interval, max_runs int)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_cutoff timestamptz := pgflow._ago(prune_batch.retention_interval);
  v_run_ids uuid[];
  v_count int := 0;
  v_is_family boolean;  -- whether there were children among those deleted last
begin
  loop
    select array_agg(l.run_id), bool_or(l.has_origin) into v_run_ids, v_is_family
    from (
      select r.run_id, r.has_origin
      from pgflow.runs r
      where (r.completed_at < v_cutoff or r.failed_at < v_cutoff or r.cancelled_at < v_cutoff)
        and pgflow._may_be_pruned(r.run_id, r.has_origin, r.end_count, v_cutoff)
      order by r.run_id
      limit greatest(prune_batch.max_runs, 0) - v_count
      for update skip locked
    ) l;
    exit when v_run_ids is null;
    perform pgflow._prune_runs(v_run_ids);
    v_count := v_count + cardinality(v_run_ids);
    exit when v_is_family is not true or v_count >= prune_batch.max_runs;  -- else it may be their parents' turn
  end loop;

  if v_count < greatest(prune_batch.max_runs, 1)
    and pg_try_advisory_xact_lock(hashtextextended('pgflow.prune', 0))
  then
    perform pgflow._prune_archives(v_cutoff, 10000);
    delete from pgflow.actions a
    where a.action_id = any(array(select o.action_id from pgflow.actions o where o.at < v_cutoff limit 10000));
    delete from pgflow.workers w
    where w.worker_id = any(array(
      select o.worker_id
      from pgflow.workers o
      where o.last_heartbeat_at < v_cutoff
      order by o.worker_id
      limit 1000
      for update skip locked
    ));
  end if;
  return v_count;
end;
$$;

-- ---- schema/80_maintenance/recover_stalled_tasks.sql
-- for: worker
-- Called by workers from time to time: gives the tasks of dead workers, and those that ran far beyond their
-- timeout, back to the queues; ends those that stalled for good as failed (reason 'stalled', by when_exhausted),
-- also those that requeue_stalled_tasks left behind. Returns how many were requeued.
--
-- One caller at a time does it, others return at once. It judges without locks, locks what is stalled and nothing
-- else, at most a thousand tasks a call, and what waits costs it nothing.
create function pgflow.recover_stalled_tasks()
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_tasks int := 1000;
  v_flow_slug text;
  v_flow_dead_ids uuid[];
  v_dead_ids uuid[];  -- of all flows looked at
  v_bare_ids uuid[];  -- of these those that hold no task
  v_found record;
  v_stalled record;
  v_hopeless record;
  v_requeued_count int;
  v_run_ids uuid[];
  v_step_slugs text[];
  v_task_indexes int[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('pgflow.recover', 0)) then
    return 0;
  end if;

  delete from pgflow.announcements a
  where a.ctid = any(array(
    select o.ctid
    from pgflow.announcements o
    where o.valid_until < clock_timestamp() - interval '1 minute'
    limit 1000
    for update skip locked
  ));

  select * into v_found from pgflow._given_up(v_max_tasks);
  v_run_ids := v_found.run_ids;
  v_step_slugs := v_found.step_slugs;
  v_task_indexes := v_found.task_indexes;

  -- in a random order, so that none starves when there is more to do than one call may
  for v_flow_slug in
    select f.flow_slug
    from pgflow.flows f
    where exists (select 1 from pgflow.workers w where w.queue_name = f.flow_slug)
    order by random()
  loop
    exit when cardinality(v_run_ids) >= v_max_tasks;
    v_flow_dead_ids := pgflow._bury_workers(v_flow_slug);
    select * into v_found
    from pgflow._find_stalled(
      v_flow_slug, v_flow_dead_ids, v_max_tasks - coalesce(cardinality(v_run_ids), 0)
    );
    v_dead_ids := v_dead_ids || v_flow_dead_ids;
    if v_found.run_ids is null then
      v_bare_ids := v_bare_ids || v_flow_dead_ids;
    end if;
    v_run_ids := v_run_ids || v_found.run_ids;
    v_step_slugs := v_step_slugs || v_found.step_slugs;
    v_task_indexes := v_task_indexes || v_found.task_indexes;
  end loop;

  select * into v_stalled from pgflow._lock_stalled(v_dead_ids, v_run_ids, v_step_slugs, v_task_indexes);
  v_requeued_count := pgflow._requeue(
    v_dead_ids, true, v_stalled.stalled_run_ids, v_stalled.stalled_step_slugs, v_stalled.stalled_task_indexes
  );

  -- A minute after their end no call of theirs is under way either: nobody need look for their tasks again.
  if v_bare_ids is not null then
    update pgflow.workers w
    set recovered_at = now()
    where w.worker_id = any(v_bare_ids) and coalesce(w.stopped_at, w.died_at) < now() - interval '1 minute';
  end if;

  select
    array_agg(t.run_id) as run_ids, array_agg(t.step_slug) as step_slugs,
    array_agg(t.task_index) as task_indexes, count(*)::int as task_count
  into v_hopeless
  from unnest(v_stalled.stalled_run_ids, v_stalled.stalled_step_slugs, v_stalled.stalled_task_indexes)
    k(run_id, step_slug, task_index)
  cross join lateral (
    select l.permanently_stalled_at, l.run_id, l.step_slug, l.task_index
    from pgflow.step_tasks l
    where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
    limit 1
  ) t
  where t.permanently_stalled_at is not null;
  if v_hopeless.task_count > 0 then
    perform 1 from pgflow._fail(
      array_fill(null::uuid, array[v_hopeless.task_count]),
      v_hopeless.run_ids, v_hopeless.step_slugs, v_hopeless.task_indexes,
      array_fill(null::int, array[v_hopeless.task_count]),
      array_fill('stalled'::text, array[v_hopeless.task_count]),
      array_fill(false, array[v_hopeless.task_count]), null, false
    );
  end if;
  return v_requeued_count;
end;
$$;

-- ---- schema/80_maintenance/stuck_runs.sql
-- for: worker
-- Runs whose tasks recovery would give back, but that another transaction holds: some of them, one caller at a time.
create function pgflow.stuck_runs()
returns setof uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
  v_dead_ids uuid[];
  v_found record;
  v_run_ids uuid[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('pgflow.stuck', 0)) then
    return;
  end if;
  for v_flow_slug in
    select f.flow_slug
    from pgflow.flows f
    where exists (select 1 from pgflow.workers w where w.queue_name = f.flow_slug)
    order by random()
  loop
    select array_agg(w.worker_id) into v_dead_ids
    from pgflow.workers w
    where w.queue_name = v_flow_slug
      and w.beats
      and w.recovered_at is null
      and (w.stopped_at is not null or w.died_at is not null);
    select * into v_found from pgflow._find_stalled(v_flow_slug, v_dead_ids, 100);
    v_run_ids := v_run_ids || v_found.run_ids;
    exit when cardinality(v_run_ids) >= 100;
  end loop;
  return query select * from pgflow.locked_runs(v_run_ids);
end;
$$;

-- ---- schema/90_compat/_cascade_force_skip_steps.sql
-- The one-step case of _force_skip, the step itself included.
create function pgflow._cascade_force_skip_steps(run_id uuid, step_slug text, skip_reason text)
returns int
language plpgsql
as $$
declare
  v_step_count int;
begin
  perform 1 from pgflow.runs r where r.run_id = _cascade_force_skip_steps.run_id for no key update;
  if not found then
    raise exception 'Run not found: %', _cascade_force_skip_steps.run_id using errcode = 'PF008';
  end if;
  v_step_count := pgflow._force_skip(
    array[_cascade_force_skip_steps.run_id],
    array[_cascade_force_skip_steps.step_slug],
    array[_cascade_force_skip_steps.skip_reason]
  );
  perform pgflow._notify(null, array[_cascade_force_skip_steps.run_id]);
  return v_step_count;
end;
$$;

-- ---- schema/90_compat/_compare_flow_shapes.sql
-- What differs between two shapes, in words; an empty array if nothing does. Options are not compared.
create function pgflow._compare_flow_shapes(p_local jsonb, p_db jsonb)
returns text[]
language plpgsql
immutable
as $$
declare
  v_local jsonb := coalesce(p_local -> 'steps', '[]');
  v_db jsonb := coalesce(p_db -> 'steps', '[]');
begin
  return array(
    select d.text
    from (
      select -1 as index, 0 as part,
        format('Step count differs: %s vs %s', jsonb_array_length(v_local), jsonb_array_length(v_db)) as text
      where jsonb_array_length(v_local) <> jsonb_array_length(v_db)
      union all
      select i.index, p.part, p.text
      from generate_series(0, greatest(jsonb_array_length(v_local), jsonb_array_length(v_db)) - 1) i(index)
      cross join lateral pgflow._compare_step_shapes(i.index, v_local -> i.index, v_db -> i.index) p
    ) d
    order by d.index, d.part
  );
end;
$$;

-- ---- schema/90_compat/_compare_step_shapes.sql
-- What differs between two steps at one position of two shapes, numbered in the order of reporting; a step
-- may be missing on one side.
create function pgflow._compare_step_shapes(index int, a jsonb, b jsonb)
returns table (part int, text text)
language plpgsql
immutable
as $$
declare
  v_a_deps text;
  v_b_deps text;
begin
  if a is null then
    return query select 1,
      format('Step at index %s: missing in first shape (second has ''%s'')', index, b ->> 'slug');
    return;
  end if;
  if b is null then
    return query select 1,
      format('Step at index %s: missing in second shape (first has ''%s'')', index, a ->> 'slug');
    return;
  end if;

  select string_agg(d.slug, ', ' order by d.slug collate "C") into v_a_deps
  from jsonb_array_elements_text(coalesce(a -> 'dependencies', '[]')) d(slug);
  select string_agg(d.slug, ', ' order by d.slug collate "C") into v_b_deps
  from jsonb_array_elements_text(coalesce(b -> 'dependencies', '[]')) d(slug);

  return query
  select c.part, format('Step at index %s: %s', index, c.text)
  from (
    values
      (1, a ->> 'slug' is distinct from b ->> 'slug',
        format('slug differs ''%s'' vs ''%s''', a ->> 'slug', b ->> 'slug')),
      (2, a ->> 'stepType' is distinct from b ->> 'stepType',
        format('type differs ''%s'' vs ''%s''', a ->> 'stepType', b ->> 'stepType')),
      (3, v_a_deps is distinct from v_b_deps,
        format('dependencies differ [%s] vs [%s]', v_a_deps, v_b_deps)),
      -- a mode that one side does not name is no difference
      (4, a ->> 'whenUnmet' <> b ->> 'whenUnmet',
        format('whenUnmet differs ''%s'' vs ''%s''', a ->> 'whenUnmet', b ->> 'whenUnmet')),
      (5, a ->> 'whenExhausted' <> b ->> 'whenExhausted',
        format('whenExhausted differs ''%s'' vs ''%s''', a ->> 'whenExhausted', b ->> 'whenExhausted')),
      (6, a -> 'requiredInputPattern' is distinct from b -> 'requiredInputPattern',
        format('requiredInputPattern differs ''%s'' vs ''%s''',
          a -> 'requiredInputPattern', b -> 'requiredInputPattern')),
      (7, a -> 'forbiddenInputPattern' is distinct from b -> 'forbiddenInputPattern',
        format('forbiddenInputPattern differs ''%s'' vs ''%s''',
          a -> 'forbiddenInputPattern', b -> 'forbiddenInputPattern'))
  ) c(part, differs, text)
  where c.differs;
end;
$$;

-- ---- schema/90_compat/_create_flow_from_shape.sql
create function pgflow._create_flow_from_shape(p_flow_slug text, p_shape jsonb)
returns void
language plpgsql
as $$
declare
  v_options jsonb := p_shape -> 'options';
  v_step jsonb;
begin
  perform pgflow.create_flow(
    p_flow_slug,
    (v_options ->> 'maxAttempts')::int, (v_options ->> 'baseDelay')::int, (v_options ->> 'timeout')::int
  );
  -- one by one and in order: each step gets the next index
  for v_step in select s.step from jsonb_array_elements(p_shape -> 'steps') with ordinality s(step, position)
    order by s.position
  loop
    v_options := v_step -> 'options';
    perform pgflow.add_step(
      flow_slug => p_flow_slug,
      step_slug => v_step ->> 'slug',
      deps_slugs => array(
        select d.slug
        from jsonb_array_elements_text(coalesce(v_step -> 'dependencies', '[]'))
          with ordinality d(slug, position)
        order by d.position
      ),
      max_attempts => (v_options ->> 'maxAttempts')::int,
      base_delay => (v_options ->> 'baseDelay')::int,
      timeout => (v_options ->> 'timeout')::int,
      start_delay => (v_options ->> 'startDelay')::int,
      step_type => v_step ->> 'stepType',
      required_input_pattern => v_step #> '{requiredInputPattern,value}',
      forbidden_input_pattern => v_step #> '{forbiddenInputPattern,value}',
      when_unmet => coalesce(v_step ->> 'whenUnmet', 'skip'),
      when_exhausted => coalesce(v_step ->> 'whenExhausted', 'fail')
    );
  end loop;
end;
$$;

-- ---- schema/90_compat/_get_flow_shape.sql
create function pgflow._get_flow_shape(p_flow_slug text)
returns jsonb
language plpgsql
stable
as $$
begin
  return jsonb_build_object('steps', coalesce(
    (
      select jsonb_agg(
        jsonb_build_object(
          'slug', st.step_slug,
          'stepType', st.step_type,
          'dependencies', coalesce(
            (
              select jsonb_agg(d.dep_slug order by d.dep_slug collate "C")
              from pgflow.deps d
              where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
            ),
            '[]'
          ),
          'whenUnmet', st.when_unmet,
          'whenExhausted', st.when_exhausted,
          'requiredInputPattern', pgflow._pattern_shape(st.required_input_pattern),
          'forbiddenInputPattern', pgflow._pattern_shape(st.forbidden_input_pattern)
        )
        order by st.step_index
      )
      from pgflow.steps st
      where st.flow_slug = p_flow_slug
    ),
    '[]'
  ));
end;
$$;

-- ---- schema/90_compat/cascade_complete_taskless_steps.sql
-- for: pgflow
-- Taskless completion alone, without conditions; internally _settle alternates both.
create function pgflow.cascade_complete_taskless_steps(run_id uuid)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run_ids uuid[];
  v_step_slugs text[];
  v_round_count int := 0;
  v_step_count int := 0;
begin
  perform 1 from pgflow.runs r where r.run_id = cascade_complete_taskless_steps.run_id for no key update;

  select array_agg(s.run_id), array_agg(s.step_slug) into v_run_ids, v_step_slugs
  from pgflow.step_states s
  where s.run_id = cascade_complete_taskless_steps.run_id;

  loop
    select
      array_agg(s.run_id order by s.step_slug collate "C"),
      array_agg(s.step_slug order by s.step_slug collate "C")
    into v_run_ids, v_step_slugs
    from unnest(v_run_ids, v_step_slugs) p(run_id, step_slug)
    cross join lateral (
      select * from pgflow.step_states l where l.run_id = p.run_id and l.step_slug = p.step_slug limit 1
    ) s
    cross join lateral (
      select l.status from pgflow.runs l where l.run_id = p.run_id and l.begins_at is null limit 1
    ) r
    where r.status = 'started' and s.status = 'created' and s.remaining_deps = 0 and s.initial_tasks = 0;
    exit when v_run_ids is null;

    v_round_count := v_round_count + 1;
    perform pgflow._check_cascade(v_round_count);
    v_step_count := v_step_count + cardinality(v_run_ids);
    select c.ready_run_ids, c.ready_step_slugs into v_run_ids, v_step_slugs
    from pgflow._complete_taskless(v_run_ids, v_step_slugs) c;
  end loop;
  perform pgflow._notify(null, array[cascade_complete_taskless_steps.run_id]);
  return v_step_count;
end;
$$;

-- ---- schema/90_compat/cascade_resolve_conditions.sql
-- for: pgflow
-- Resolves the conditions of all ready steps of one run; false: that failed the run. Internally the same is
-- done with the steps that have just become ready only.
create function pgflow.cascade_resolve_conditions(run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from pgflow.runs r where r.run_id = cascade_resolve_conditions.run_id for no key update;

  perform pgflow._resolve_conditions(ready.run_ids, ready.step_slugs)
  from (
    select array_agg(s.run_id) as run_ids, array_agg(s.step_slug) as step_slugs
    from pgflow.step_states s
    join pgflow.runs r on r.run_id = s.run_id
    where r.begins_at is null and s.run_id = cascade_resolve_conditions.run_id and s.status = 'created' and s.remaining_deps = 0
  ) ready;
  perform pgflow._notify(null, array[cascade_resolve_conditions.run_id]);
  return not exists (
    select 1 from pgflow.runs r where r.run_id = cascade_resolve_conditions.run_id and r.status = 'failed'
  );
end;
$$;

-- ---- schema/90_compat/cleanup_ensure_workers_logs.sql
-- for: cron
-- Deletes pg_cron's old notes about ensure_workers.
create function pgflow.cleanup_ensure_workers_logs(retention_hours int default 24)
returns table (cron_deleted bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgflow._require_trusted('cron');
  return query
  with deleted as (
    delete from cron.job_run_details d
    where d.end_time < pgflow._ago(make_interval(hours => cleanup_ensure_workers_logs.retention_hours))
    returning 1
  )
  select count(*) from deleted;
end;
$$;

-- ---- schema/90_compat/complete_task.sql
-- for: pgflow
-- The one-element case of complete_tasks, without fence and hand-over.
create function pgflow.complete_task(run_id uuid, step_slug text, task_index int, output jsonb)
returns setof pgflow.step_tasks
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from pgflow._complete(
    array[null::uuid], array[complete_task.run_id], array[complete_task.step_slug],
    array[complete_task.task_index], array[null::int], array[complete_task.output], 0, '{}', false
  );
  return query
  select t.*
  from pgflow.step_tasks t
  where t.run_id = complete_task.run_id
    and t.step_slug = complete_task.step_slug
    and t.task_index = complete_task.task_index;
end;
$$;

-- ---- schema/90_compat/ensure_flow_compiled.sql
-- for: pgflow
-- Brings the stored flow to the given shape: creates it, verifies it, or - locally, or when data loss is
-- allowed - replaces it with all its data. Raises PF011 for what is no shape.
create function pgflow.ensure_flow_compiled(flow_slug text, shape jsonb, allow_data_loss boolean default false)
returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_differences text[];
  v_status text;
begin
  if jsonb_typeof(ensure_flow_compiled.shape -> 'steps') is distinct from 'array' then
    raise exception 'A flow''s shape is {"steps": [...]}, not %', left(ensure_flow_compiled.shape::text, 100)
      using errcode = 'PF011', hint = 'Pass an object with a list of steps.';
  end if;

  -- Workers of one flow start at the same time.
  perform pg_advisory_xact_lock(hashtextextended('pgflow.compile:' || ensure_flow_compiled.flow_slug, 0));

  if not exists (select 1 from pgflow.flows f where f.flow_slug = ensure_flow_compiled.flow_slug) then
    perform pgflow._create_flow_from_shape(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
    return jsonb_build_object('status', 'compiled', 'differences', '[]'::jsonb);
  end if;

  v_differences := pgflow._compare_flow_shapes(
    ensure_flow_compiled.shape, pgflow._get_flow_shape(ensure_flow_compiled.flow_slug)
  );
  if cardinality(v_differences) = 0 then
    v_status := 'verified';
  elsif pgflow.is_local() or coalesce(ensure_flow_compiled.allow_data_loss, false) then
    perform pgflow.delete_flow_and_data(ensure_flow_compiled.flow_slug);
    perform pgflow._create_flow_from_shape(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
    v_status := 'recompiled';
  else
    v_status := 'mismatch';
  end if;
  return jsonb_build_object('status', v_status, 'differences', to_jsonb(v_differences));
exception when data_exception then
  raise exception 'The flow''s shape cannot be read: %', sqlerrm
    using errcode = 'PF011', hint = 'Options are integers, dependencies lists of slugs, patterns objects.';
end;
$$;

-- ---- schema/90_compat/ensure_workers.sql
-- for: cron
-- Pings worker functions that have no living worker, each at its url or among the platform's functions: locally all
-- that are enabled, else those past their debounce.
create function pgflow.ensure_workers()
returns table (function_name text, invoked boolean, request_id bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_local boolean := pgflow.is_local();
  v_function record;
begin
  perform pgflow._require_trusted('net');
  for v_function in
    select w.function_name, a.address, a.headers
    from pgflow.worker_functions w
    cross join lateral pgflow._worker_address(w.function_name, w.url, w.gets_service_key) a
    where w.enabled
      and (
        v_local
        or (
          coalesce(w.last_invoked_at < now() - w.debounce, true)
          and not exists (
            select 1
            from pgflow.workers l
            where l.function_name = w.function_name
              and l.stopped_at is null
              and l.deprecated_at is null
              and l.last_heartbeat_at > now() - w.debounce
          )
        )
      )
    order by w.function_name
    for no key update of w skip locked
  loop
    function_name := v_function.function_name;
    invoked := true;
    request_id := net.http_post(
      url => v_function.address,
      body => '{}'::jsonb,
      headers => v_function.headers
    );
    update pgflow.worker_functions w
    set last_invoked_at = clock_timestamp()
    where w.function_name = v_function.function_name;
    return next;
  end loop;
end;
$$;

-- ---- schema/90_compat/fail_task.sql
-- for: pgflow
-- The one-element case of fail_tasks, without fence.
create function pgflow.fail_task(run_id uuid, step_slug text, task_index int, error_message text)
returns setof pgflow.step_tasks
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from pgflow._fail(
    array[null::uuid], array[fail_task.run_id], array[fail_task.step_slug], array[fail_task.task_index],
    array[null::int], array[fail_task.error_message], null, null, false
  );
  return query
  select t.*
  from pgflow.step_tasks t
  where t.run_id = fail_task.run_id
    and t.step_slug = fail_task.step_slug
    and t.task_index = fail_task.task_index;
end;
$$;

-- ---- schema/90_compat/maybe_complete_run.sql
-- for: pgflow
-- Completes a run whose steps have all ended. The core does this by itself; it is here for the contract.
create function pgflow.maybe_complete_run(run_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from pgflow.runs r where r.run_id = maybe_complete_run.run_id for no key update;
  perform pgflow._finish_runs(array[r.run_id], false, true)
  from pgflow.runs r
  where r.run_id = maybe_complete_run.run_id and r.begins_at is null;
  perform pgflow._notify(null, array[maybe_complete_run.run_id]);
end;
$$;

-- ---- schema/90_compat/prune_data_older_than.sql
-- for: cron
-- Deletes what ended, was archived or was last heard of before now() - retention_interval, in one transaction;
-- prune_batch does the same in small ones. Open runs stay however old.
create function pgflow.prune_data_older_than(retention_interval interval)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_cutoff timestamptz := pgflow._ago(prune_data_older_than.retention_interval);
  v_run_ids uuid[];
  v_is_family boolean;  -- whether there were children among those deleted last
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.prune', 0));
  loop
    select array_agg(l.run_id), bool_or(l.has_origin) into v_run_ids, v_is_family
    from (
      select r.run_id, r.has_origin
      from pgflow.runs r
      where (r.completed_at < v_cutoff or r.failed_at < v_cutoff or r.cancelled_at < v_cutoff)
        and pgflow._may_be_pruned(r.run_id, r.has_origin, r.end_count, v_cutoff)
      order by r.run_id
      for update
    ) l;
    exit when v_run_ids is null;
    perform pgflow._prune_runs(v_run_ids);
    exit when v_is_family is not true;  -- else it may be their parents' turn
  end loop;
  perform pgflow._prune_archives(v_cutoff, null);
  delete from pgflow.actions a where a.at < v_cutoff;
  delete from pgflow.workers w where w.last_heartbeat_at < v_cutoff;
end;
$$;

-- ---- schema/90_compat/read_with_poll.sql
-- for: pgflow
-- The first phase of polling under the core's own name.
create function pgflow.read_with_poll(
  queue_name text,
  vt int,
  qty int,
  max_poll_seconds int default 5,
  poll_interval_ms int default 100,
  conditional jsonb default '{}'
)
returns setof pgmq.message_record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select 1 from pgmq.meta m where m.queue_name = read_with_poll.queue_name) then
    raise exception 'There is no queue "%"', left(read_with_poll.queue_name, 100)
      using errcode = 'PF001', hint = 'A queue is named by its flow''s slug.';
  end if;
  return query
  select *
  from pgmq.read_with_poll(
    read_with_poll.queue_name,
    read_with_poll.vt,
    greatest(read_with_poll.qty, 0),
    read_with_poll.max_poll_seconds,
    read_with_poll.poll_interval_ms,
    read_with_poll.conditional
  );
end;
$$;

-- ---- schema/90_compat/requeue_stalled_tasks.sql
-- for: cron, pgflow
-- For callers outside of workers (a cron job): requeues by timeout only and leaves a task that has stalled for
-- good 'started'. Workers call recover_stalled_tasks. Reads all open runs; their tasks have no index by state.
create function pgflow.requeue_stalled_tasks()
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found record;
  v_stalled record;
begin
  select
    array_agg(t.run_id) as run_ids, array_agg(t.step_slug) as step_slugs,
    array_agg(t.task_index) as task_indexes
  into v_found
  from pgflow.runs r
  join pgflow.step_tasks t on t.run_id = r.run_id
  join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug
  join pgflow.flows f on f.flow_slug = t.flow_slug
  where r.status = 'started'
    and t.status = 'started'
    and t.permanently_stalled_at is null
    and t.started_at < now() - make_interval(secs => coalesce(st.opt_timeout, f.opt_timeout) + 30);
  if v_found.run_ids is null then
    return 0;
  end if;

  select * into v_stalled
  from pgflow._lock_stalled(null, v_found.run_ids, v_found.step_slugs, v_found.task_indexes);
  return pgflow._requeue(
    null, false, v_stalled.stalled_run_ids, v_stalled.stalled_step_slugs, v_stalled.stalled_task_indexes
  );
end;
$$;

-- ---- schema/90_compat/setup_ensure_workers_cron.sql
-- for: cron
-- With pg_cron: calls ensure_workers at an interval, and cleans up after it.
create function pgflow.setup_ensure_workers_cron(cron_interval text default '1 second')
returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgflow._replace_cron_job(
    'pgflow_ensure_workers', setup_ensure_workers_cron.cron_interval, 'select pgflow.ensure_workers()'
  );
  perform pgflow._replace_cron_job(
    'pgflow_cleanup_logs', '0 * * * *', 'select pgflow.cleanup_ensure_workers_logs()'
  );
  return format(
    'Scheduled jobs pgflow_ensure_workers: %s, pgflow_cleanup_logs: 0 * * * *',
    setup_ensure_workers_cron.cron_interval
  );
end;
$$;

-- ---- schema/90_compat/setup_requeue_stalled_tasks_cron.sql
-- for: cron
-- With pg_cron: calls requeue_stalled_tasks at an interval. Our workers do the same without it.
create function pgflow.setup_requeue_stalled_tasks_cron(cron_interval text default '15 seconds')
returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgflow._replace_cron_job(
    'pgflow_requeue_stalled_tasks', setup_requeue_stalled_tasks_cron.cron_interval,
    'select pgflow.requeue_stalled_tasks()'
  );
  return format(
    'Scheduled job pgflow_requeue_stalled_tasks: %s', setup_requeue_stalled_tasks_cron.cron_interval
  );
end;
$$;

-- ---- schema/90_compat/start_ready_steps.sql
-- for: pgflow
-- Starts the steps of a run that have a handler and wait for nothing any more. The core does this by itself; it is here for the contract.
create function pgflow.start_ready_steps(run_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_started record;
begin
  perform 1 from pgflow.runs r where r.run_id = start_ready_steps.run_id for no key update;

  select p.* into v_started
  from (
    select array_agg(s.run_id) as run_ids, array_agg(s.step_slug) as step_slugs
    from pgflow.step_states s
    join pgflow.runs r on r.run_id = s.run_id
    join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
    where r.begins_at is null and st.kind not in ('signal', 'sleep', 'pick')
      and s.run_id = start_ready_steps.run_id and s.status = 'created' and s.remaining_deps = 0
  ) ready
  cross join lateral pgflow._start_steps(ready.run_ids, ready.step_slugs) p;

  if v_started.started_run_ids is not null then
    perform pgflow._send_events('step:started', v_started.started_run_ids, v_started.started_step_slugs);
    perform pgflow._spawn_tasks(
      v_started.started_flow_slugs, v_started.started_run_ids, v_started.started_step_slugs, null,
      v_started.started_task_counts, 0
    );
    perform pgflow._keep_held(v_started.started_run_ids);
    perform pgflow._notify(null, v_started.started_run_ids);
  end if;
end;
$$;

-- ---- schema/90_compat/start_tasks.sql
-- for: pgflow
-- The second half of polling: starts the tasks of messages the worker has read. Whatever cannot be started is
-- ignored, its message left alone; so is what would make the inputs larger than 64 MB together. A task whose input
-- cannot be put together fails.
create function pgflow.start_tasks(flow_slug text, msg_ids bigint[], worker_id uuid)
returns setof pgflow.step_task_record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages record;
  v_started record;
  v_flow_slugs text[];
begin
  if coalesce(cardinality(start_tasks.msg_ids), 0) = 0
    or start_tasks.flow_slug is null
    or to_regclass(format('pgmq.%I', pgflow._queue_table(start_tasks.flow_slug, 'q'))) is null
  then
    return;
  end if;
  if exists (
    select 1
    from pgflow.workers w
    where w.worker_id = start_tasks.worker_id and w.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
  ) and not pgflow._note_life(array[start_tasks.worker_id]) then
    perform pgflow._check_workers(array[start_tasks.worker_id]);
  end if;

  -- Locked in order: of two workers starting the same messages one waits and then finds nothing queued.
  execute format(
    $sql$
      select array_agg(m.msg_id) as msg_ids, array_agg((m.message ->> 'run_id')::uuid) as run_ids,
        array_agg(m.message ->> 'step_slug') as step_slugs,
        array_agg((m.message ->> 'task_index')::int) as task_indexes
      from (
        select q.msg_id, q.message
        from pgmq.%I q
        where q.msg_id = any($1) and pgflow._is_task_message(q.message)
        order by q.msg_id
        for update
      ) m
    $sql$,
    pgflow._queue_table(start_tasks.flow_slug, 'q')
  ) into v_messages using start_tasks.msg_ids;
  if v_messages.run_ids is null then
    return;
  end if;

  select * into v_started
  from pgflow._start_tasks(
    start_tasks.worker_id, start_tasks.flow_slug,
    v_messages.msg_ids, v_messages.run_ids, v_messages.step_slugs, v_messages.task_indexes
  );
  if v_started.started_run_ids is null then
    return;
  end if;
  execute format(
    $sql$
      update pgmq.%I q
      set vt = clock_timestamp() + make_interval(secs => o.vt_offset), read_ct = greatest(q.read_ct, 1)
      from unnest($1, $2) o(msg_id, vt_offset)
      where q.msg_id = o.msg_id
    $sql$,
    pgflow._queue_table(start_tasks.flow_slug, 'q')
  ) using v_started.started_msg_ids, v_started.vt_offsets;

  v_flow_slugs := array_fill(start_tasks.flow_slug, array[cardinality(v_started.started_run_ids)]);
  return query
  select r.flow_slug, r.run_id, r.step_slug, r.input, r.msg_id, r.task_index, r.flow_input
  from pgflow._hand_out(
    v_flow_slugs, v_started.started_run_ids, v_started.started_step_slugs, v_started.started_task_indexes, '{}',
    v_started.has_large_values, null
  ) r;
end;
$$;

-- ---- schema/90_compat/track_worker_function.sql
-- for: worker, pgflow
-- Notes that an edge function serves workers, for ensure_workers. For platforms that start workers by HTTP;
-- track_worker is for those that are somewhere else.
create function pgflow.track_worker_function(function_name text)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgflow.worker_functions (function_name, updated_at)
  values (track_worker_function.function_name, clock_timestamp())
  on conflict on constraint worker_functions_pkey do update set updated_at = clock_timestamp();
end;
$$;

-- ---- schema/98_settings/settings.sql
-- The planner settings of the functions that workers and clients call all the time (no plan may depend on
-- statistics: see 00_model/model.sql). Applied after every migration, as "create or replace" forgets them.
do $$
declare
  v_name text;
begin
  foreach v_name in array array[
    'announce_idle',
    'cancel_runs',
    'cancel_runs_where',
    'again_tasks',
    'claim_tasks',
    'complete_task',
    'complete_tasks',
    'count_runs_where',
    'fail_task',
    'fail_tasks',
    'fire_timers',
    'fork_run',
    'get_run_progress',
    'get_run_with_states',
    'heartbeat_workers',
    'hold_runs',
    'hold_runs_where',
    'recover_stalled_tasks',
    'release_runs',
    'release_runs_where',
    'release_tasks',
    'retry_runs',
    'retry_runs_where',
    'send_signal_by_key',
    'send_signals',
    'start_flow',
    'start_flows',
    'start_tasks',
    'started_tasks',
    'unwatch_runs',
    'watch_runs',
    'withdraw_idle'
  ]
  loop
    execute format(
      'alter function pgflow.%I set plan_cache_mode = force_generic_plan set enable_hashjoin = off'
      ' set enable_mergejoin = off set enable_material = off set enable_memoize = off'
      ' set enable_seqscan = off set jit = off',
      v_name
    );
  end loop;
end;
$$;

-- ---- schema/99_privileges/privileges.sql
-- Nothing for PUBLIC; who may do what is granted by the migrator's roles.
revoke all on schema pgflow from public;
revoke all on all tables in schema pgflow from public;
revoke all on all functions in schema pgflow from public;
revoke all on type pgflow.step_task_record from public;
revoke all on type pgflow.task_result from public;
