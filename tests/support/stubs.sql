-- Stubs of what a Supabase database has and the core calls.  Sent events are kept in the order of sending.
-- As there, realtime.send runs with its caller's rights, its table is behind row security, and what goes wrong inside is
-- a warning.
create schema realtime;
create table realtime.messages (
  id bigint generated always as identity primary key,
  payload jsonb,
  event text,
  topic text,
  private boolean,
  inserted_at timestamptz not null default clock_timestamp()
);
alter table realtime.messages enable row level security;
create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql as $$
begin
  insert into realtime.messages (payload, event, topic, private) values ($1, $2, $3, $4);
exception when others then
  raise warning 'not sent: %', sqlerrm;
end;
$$;

create schema vault;
create table vault.secrets (name text primary key, decrypted_secret text);
create view vault.decrypted_secrets as select name, decrypted_secret from vault.secrets;

create schema net;
create table net.requests (
  id bigint generated always as identity primary key,
  url text, body jsonb, params jsonb, headers jsonb, timeout_milliseconds int
);
create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}',
  timeout_milliseconds int default 5000
) returns bigint language sql as $$
  insert into net.requests (url, body, params, headers, timeout_milliseconds)
  values ($1, $2, $3, $4, $5) returning id;
$$;

create schema cron;
create table cron.job (
  jobid bigint generated always as identity primary key,
  jobname text unique, schedule text, command text
);
create table cron.job_run_details (runid bigint generated always as identity, end_time timestamptz);
create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $$
  insert into cron.job (jobname, schedule, command) values ($1, $2, $3) returning jobid;
$$;
create function cron.unschedule(job_name text) returns boolean language plpgsql as $$
begin
  delete from cron.job where jobname = job_name;
  if not found then
    raise exception 'could not find valid entry for job ''%''', job_name;
  end if;
  return true;
end;
$$;
