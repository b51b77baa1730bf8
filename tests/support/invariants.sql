-- pgflow_test.violations() lists what must never be true of a committed state.  Call it in a repeatable read
-- transaction while others are at work, so that all its looks are at one state.
create schema pgflow_test;

-- The messages of all queues of flows, where they are and what they say.
create function pgflow_test.messages()
returns table (flow_slug text, place text, msg_id bigint, message jsonb)
language plpgsql stable as $$
declare
  flow record;
begin
  for flow in select f.flow_slug from pgflow.flows f loop
    return query execute format(
      'select %1$L::text, ''queue'', q.msg_id, q.message from pgmq.%2$I q
       union all select %1$L::text, ''archive'', a.msg_id, a.message from pgmq.%3$I a',
      flow.flow_slug,
      pgmq.format_table_name(flow.flow_slug, 'q'),
      pgmq.format_table_name(flow.flow_slug, 'a')
    );
  end loop;
end;
$$;

create function pgflow_test.violations()
returns table (rule text, run_id uuid, step_slug text, detail text)
language sql stable as $$
  with tasks as (
    select t.run_id, t.step_slug, count(*) as total,
      count(*) filter (where t.status = 'completed') as completed,
      count(*) filter (where t.status in ('queued', 'started')) as open,
      min(t.task_index) as first, max(t.task_index) as last,
      jsonb_agg(coalesce(t.output, 'null') order by t.task_index) as outputs
    from pgflow.step_tasks t group by t.run_id, t.step_slug
  ),
  states as (
    select s.*, st.step_type, st.kind in ('signal', 'sleep', 'pick') as waits, r.status as run_status, r.begins_at,
      coalesce(t.total, 0) as total, coalesce(t.completed, 0) as completed, coalesce(t.open, 0) as open,
      t.first, t.last, t.outputs,
      (
        select count(*) from pgflow.deps d
        join pgflow.step_states p on p.run_id = s.run_id and p.step_slug = d.dep_slug
        where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug and p.status not in ('completed', 'skipped')
      ) as open_deps
    from pgflow.step_states s
    join pgflow.runs r using (run_id)
    join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
    left join tasks t on t.run_id = s.run_id and t.step_slug = s.step_slug
  ),
  messages as materialized (select * from pgflow_test.messages()),
  open_tasks as (
    select t.*, s.status as step_status, r.status as run_status
    from pgflow.step_tasks t
    join pgflow.step_states s using (run_id, step_slug)
    join pgflow.runs r using (run_id)
  )

  -- counters say what the rows say
  select 'remaining_steps', r.run_id, null, format('%s, but %s are open', r.remaining_steps, n.open)
  from pgflow.runs r
  cross join lateral (
    select count(*) as open from pgflow.step_states s
    where s.run_id = r.run_id and s.status not in ('completed', 'skipped')
  ) n
  where r.remaining_steps <> n.open
  union all
  select 'remaining_deps', s.run_id, s.step_slug, format('%s, but %s are open', s.remaining_deps, s.open_deps)
  from states s where s.status <> 'skipped' and s.remaining_deps <> s.open_deps
  union all
  select 'remaining_tasks', s.run_id, s.step_slug,
    format('%s of %s, but %s completed', s.remaining_tasks, s.initial_tasks, s.completed)
  from states s
  where s.status in ('started', 'completed') and not s.reused
    and s.remaining_tasks is distinct from case when s.waits then (s.status = 'started')::int else s.initial_tasks - s.completed end
  union all
  select 'number of tasks', s.run_id, s.step_slug, format('%s, but %s rows', s.initial_tasks, s.total)
  from states s
  where s.total <> case when s.reused or s.waits then 0
                        when s.status in ('started', 'completed') then s.initial_tasks
                        when s.status = 'created' then 0 else s.total end
  union all
  select 'indexes', s.run_id, s.step_slug, format('%s..%s of %s', s.first, s.last, s.total)
  from states s where s.total > 0 and (s.first <> 0 or s.last <> s.total - 1)

  -- rows belong to what is there
  union all
  select 'run of no flow', r.run_id, null, r.flow_slug
  from pgflow.runs r where not exists (select from pgflow.flows f where f.flow_slug = r.flow_slug)
  union all
  select 'state of no run', s.run_id, s.step_slug, s.status
  from pgflow.step_states s where not exists (select from pgflow.runs r where r.run_id = s.run_id)
  union all
  select 'state of no step', s.run_id, s.step_slug, s.flow_slug
  from pgflow.step_states s
  where not exists (
    select from pgflow.steps st where st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
  )
  union all
  select 'task of no state', t.run_id, t.step_slug, t.status
  from pgflow.step_tasks t
  where not exists (
    select from pgflow.step_states s where s.run_id = t.run_id and s.step_slug = t.step_slug
  )

  -- every step and run has come as far as it can
  union all
  select 'ready but not started', s.run_id, s.step_slug, s.initial_tasks::text
  from states s
  where s.run_status = 'started' and s.status = 'created' and s.remaining_deps = 0 and s.initial_tasks is not null
    and s.begins_at is null
  union all
  select 'started with open dependencies', s.run_id, s.step_slug, s.open_deps::text
  from states s where s.status in ('started', 'completed') and s.open_deps > 0
  union all
  select 'started without work', s.run_id, s.step_slug, format('%s tasks', s.total)
  from states s where s.run_status = 'started' and s.status = 'started' and s.open = 0 and not s.waits
  union all
  select 'run without work', r.run_id, null, r.remaining_steps::text
  from pgflow.runs r
  where r.status = 'started' and r.begins_at is null and not exists (
    select from states s where s.run_id = r.run_id and s.status = 'started' and (s.open > 0 or s.waits)
  )
  union all
  select 'completed run with open steps', r.run_id, null, r.remaining_steps::text
  from pgflow.runs r where r.status = 'completed' and r.remaining_steps <> 0
  union all
  select 'failed run', r.run_id, null, format('%s failed steps', n.failed)
  from pgflow.runs r
  cross join lateral (
    select count(*) as failed from pgflow.step_states s where s.run_id = r.run_id and s.status = 'failed'
  ) n
  where n.failed <> (r.status = 'failed')::int
    and not (n.failed = 0 and r.status = 'failed' and coalesce(r.error_message, '') like 'timed out after % s')

  union all
  select 'reused step that has not ended', s.run_id, s.step_slug, s.status
  from states s where s.reused and s.status not in ('completed', 'skipped')
  union all
  select 'reused step of no fork', s.run_id, s.step_slug, null
  from states s
  where s.reused and not exists (select from pgflow.origins o where o.run_id = s.run_id and o.kind = 'fork')
  union all
  select 'origin', r.run_id, null, r.has_origin::text
  from pgflow.runs r
  where coalesce(r.has_origin, false) <> exists (select from pgflow.origins o where o.run_id = r.run_id)
  union all
  select 'origin of no run', o.run_id, null, o.kind
  from pgflow.origins o where not exists (select from pgflow.runs r where r.run_id = o.run_id)
  union all
  select 'cancelled run with open steps', s.run_id, s.step_slug, s.status
  from states s
  where s.run_status = 'cancelled' and s.status in ('created', 'started', 'failed')
  union all
  select 'cancelled step of another run', s.run_id, s.step_slug, s.run_status
  from states s where s.status = 'cancelled' and s.run_status <> 'cancelled'
  union all
  select 'tasks of a cancelled step', s.run_id, s.step_slug, format('%s open', s.open)
  from states s where s.status = 'cancelled' and s.open > 0
  union all
  select 'cancelled task of another step', t.run_id, t.step_slug, t.step_status
  from open_tasks t where t.status = 'cancelled' and t.step_status <> 'cancelled'

  -- outputs
  union all
  select 'output of a step', s.run_id, s.step_slug, s.output::text
  from states s
  where s.status = 'completed' and not s.reused and not s.waits and case
    when s.step_type = 'map' then s.output is distinct from coalesce(s.outputs, '[]')
    else coalesce(s.output, 'null') is distinct from coalesce(s.outputs -> 0, 'null')
  end
  union all
  select 'output of a run', r.run_id, null, r.output::text
  from pgflow.runs r
  where r.status = 'completed' and r.output is distinct from (
    select jsonb_object_agg(s.step_slug, coalesce(s.output, 'null'))
    from pgflow.step_states s
    where s.run_id = r.run_id and s.status = 'completed' and not exists (
      select from pgflow.deps d where d.flow_slug = s.flow_slug and d.dep_slug = s.step_slug
    )
  )

  -- every message is needed or archived, and says what its task is
  union all
  select 'no message', t.run_id, t.step_slug, format('task %s, %s', t.task_index, t.status)
  from open_tasks t
  where t.run_status = 'started' and t.step_status = 'started' and t.status in ('queued', 'started')
    and t.waits_for is null
    and not exists (
      select from messages m
      where m.flow_slug = t.flow_slug and m.place = 'queue' and m.msg_id = t.message_id and m.message = jsonb_build_object(
        'flow_slug', t.flow_slug, 'run_id', t.run_id, 'step_slug', t.step_slug, 'task_index', t.task_index
      )
    )
  union all
  select 'message nobody needs', t.run_id, t.step_slug,
    format('message %s of task %s: %s, step %s, run %s', m.msg_id, t.task_index, t.status, t.step_status, t.run_status)
  from messages m
  left join open_tasks t on t.flow_slug = m.flow_slug and t.message_id = m.msg_id
  where m.place = 'queue' and (
    t.run_id is null or t.status not in ('queued', 'started') or t.waits_for is not null
    or t.step_status <> 'started' or t.run_status <> 'started'
  )
  union all
  select 'message in two places', null, null, format('%s %s', m.flow_slug, m.msg_id)
  from messages m group by m.flow_slug, m.msg_id having count(*) > 1

  -- what waits for a time has its timer, and timers have something to wait for
  union all
  select 'waiting for nothing', t.run_id, t.step_slug, format('task %s, %s', t.task_index, t.status)
  from open_tasks t
  where t.waits_for is not null and t.run_status = 'started' and t.step_status = 'started' and (
    t.status <> 'queued' or t.message_id is not null
    or t.waits_for in ('time', 'round') and (
      select count(*) from pgflow.timers i
      where i.kind = 'wait' and i.run_id = t.run_id and i.step_slug = t.step_slug and i.task_index = t.task_index
    ) <> 1
  )
  union all
  select 'waiting for a release', t.run_id, t.step_slug, format('task %s, held since %s', t.task_index, r.held_at)
  from open_tasks t
  join pgflow.runs r on r.run_id = t.run_id
  where r.status = 'started' and t.step_status = 'started' and t.status = 'queued' and case
    when r.held_at is null then t.waits_for = 'hold'
    else t.waits_for is null
  end
  union all
  select 'timer of what is over', i.run_id, i.step_slug, format('%s, run %s', i.kind, r.status)
  from pgflow.timers i
  left join pgflow.runs r on r.run_id = i.run_id
  left join open_tasks t on t.run_id = i.run_id and t.step_slug = i.step_slug and t.task_index = i.task_index
  where i.run_id is not null and r.status is distinct from 'started' and i.kind not in ('cancel_children', 'companions')
    or r.status = 'started' and i.kind = 'companions'
    or i.kind = 'wait' and (t.waits_for is null or t.waits_for not in ('time', 'round') or t.step_status <> 'started')
    or i.kind in ('sleep', 'deadline') and i.task_index is null and not exists (
      select from states s where s.run_id = i.run_id and s.step_slug = i.step_slug and s.waits and s.status = 'started'
    )
    or i.kind = 'begin' and r.begins_at is null
  union all
  select 'begins never', r.run_id, null, null
  from pgflow.runs r
  where r.status = 'started' and r.begins_at is not null
    and (select count(*) from pgflow.timers i where i.run_id = r.run_id and i.kind = 'begin') <> 1

  -- whoever waits for a child has one, which is under way, or whose end is to be told, or which is to go on
  union all
  select 'waiting for no child', t.run_id, t.step_slug, format('task %s, attempt %s', t.task_index, t.attempts_count)
  from open_tasks t
  where t.waits_for = 'child' and t.run_status = 'started' and t.step_status = 'started' and not exists (
    select from pgflow.origins o
    join pgflow.runs c on c.run_id = o.run_id
    where o.kind = 'child' and o.from_run_id = t.run_id and o.step_slug = t.step_slug
      and o.task_index = t.task_index and o.attempt = t.attempts_count
      and (
        c.status = 'started'
        or exists (select from pgflow.ended_children e where e.child_run_id = o.run_id)
        or exists (select from pgflow.timers i where i.run_id = t.run_id and i.kind = 'retry_children')
      )
  )
  union all
  select 'child that nobody waits for', o.run_id, null, format('task %s of %s', o.task_index, o.step_slug)
  from pgflow.origins o
  join pgflow.runs c on c.run_id = o.run_id
  join pgflow.runs p on p.run_id = o.from_run_id
  left join open_tasks t on t.run_id = o.from_run_id and t.step_slug = o.step_slug and t.task_index = o.task_index
  where o.kind = 'child' and c.status = 'started'
    and (
      p.status = 'started' and t.step_status = 'started' and t.status = 'queued' and t.waits_for = 'child'
      and t.attempts_count = o.attempt
    ) is not true
    and not exists (
      select from pgflow.timers i
      where i.run_id = o.from_run_id and i.kind = 'cancel_children' and coalesce(i.step_slug, o.step_slug) = o.step_slug
    )
  union all
  select 'output of a child', t.run_id, t.step_slug, t.output::text
  from pgflow.step_tasks t
  join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug
  where st.kind = 'subflow' and t.status = 'completed' and t.is_tolerated is not true and not exists (
    select from pgflow.origins o
    join pgflow.runs c on c.run_id = o.run_id
    where o.kind = 'child' and o.from_run_id = t.run_id and o.step_slug = t.step_slug and o.task_index = t.task_index
      and o.attempt = t.attempts_count and c.status = 'completed' and coalesce(c.output, '{}') = t.output
  ) and exists (select from pgflow.origins o where o.kind = 'child' and o.from_run_id = t.run_id)

  -- so have steps without a handler; who waits for a signal is found
  union all
  select 'waiting for nobody', s.run_id, s.step_slug, st.kind
  from states s
  join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
  where s.waits and s.run_status = 'started' and s.status = 'started' and case st.kind
    when 'sleep' then (
      select count(*) from pgflow.timers i where i.kind = 'sleep' and i.run_id = s.run_id and i.step_slug = s.step_slug
    ) <> 1
    else not exists (
      select from pgflow.waiting_signals w
      where w.run_id = s.run_id and w.step_slug = s.step_slug and (w.deadline_at is not null)::int = (
        select count(*) from pgflow.timers i
        where i.kind = 'deadline' and i.run_id = s.run_id and i.step_slug = s.step_slug
      )
    )
  end
  union all
  select 'waits no more', w.run_id, w.step_slug, null
  from pgflow.waiting_signals w
  where not exists (
    select from states s
    where s.run_id = w.run_id and s.step_slug = w.step_slug and s.run_status = 'started' and s.status = 'started' and s.waits
  )
  union all
  select 'key of what is over', k.run_id, k.step_slug, k.key
  from pgflow.signal_keys k
  where not exists (select from pgflow.runs r where r.run_id = k.run_id and r.status = 'started')
  union all
  select 'kept too many', g.run_id, g.step_slug, count(*)::text
  from pgflow.signals g where g.taken_at is null
  group by g.run_id, g.step_slug having count(*) > 16
  union all
  select 'kept and not taken', s.run_id, s.step_slug, null
  from states s
  where s.waits and s.run_status = 'started' and s.status = 'started' and exists (
    select from pgflow.signals g where g.run_id = s.run_id and g.step_slug = s.step_slug and g.taken_at is null
  )

  -- attempts
  union all
  select 'attempts', t.run_id, t.step_slug, format('%s of task %s', t.attempts_count, t.task_index)
  from pgflow.step_tasks t
  join pgflow.steps st using (flow_slug, step_slug)
  join pgflow.flows f using (flow_slug)
  where t.attempts_count - t.forgiven_count - t.requeued_count > greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1)
    or (t.status in ('started', 'completed') and t.attempts_count <= t.forgiven_count and t.is_tolerated is not true)
    or t.forgiven_count > t.attempts_count;
$$;

-- Events against states: one for every transition, parents before children.
create function pgflow_test.event_violations()
returns table (rule text, run_id uuid, step_slug text, detail text)
language sql stable as $$
  with events as materialized (
    select m.id, (m.payload ->> 'run_id')::uuid as run_id, m.payload ->> 'step_slug' as step_slug,
      m.payload ->> 'event_type' as type
    from realtime.messages m
  ),
  expected as (
    select r.run_id, null::text as step_slug, 'run:started' as type from pgflow.runs r where r.begins_at is null
    union all
    select r.run_id, null, 'run:' || r.status from pgflow.runs r where r.status <> 'started'
    union all
    select s.run_id, s.step_slug, 'step:started' from pgflow.step_states s
    join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
    where exists (select from pgflow.step_tasks t where t.run_id = s.run_id and t.step_slug = s.step_slug)
      or st.kind in ('signal', 'sleep', 'pick') and s.started_at is not null and not s.reused
    union all
    select s.run_id, s.step_slug, 'step:' || s.status from pgflow.step_states s
    where s.status in ('completed', 'failed', 'skipped') and not s.reused
  ),
  counted as (
    select coalesce(e.run_id, x.run_id) as run_id, coalesce(e.step_slug, x.step_slug) as step_slug,
      coalesce(e.type, x.type) as type, coalesce(e.n, 0) as sent, coalesce(x.n, 0) as wanted
    from (select e.run_id, e.step_slug, e.type, count(*) as n from events e group by 1, 2, 3) e
    full join (select x.run_id, x.step_slug, x.type, count(*) as n from expected x group by 1, 2, 3) x
      on x.run_id = e.run_id and x.step_slug is not distinct from e.step_slug and x.type = e.type
  )
  select 'events', c.run_id, c.step_slug, format('%s: %s sent, %s wanted', c.type, c.sent, c.wanted)
  from counted c
  where case
    -- a run that was retried has failed or was cancelled before; see the next rule
    when c.type in ('run:failed', 'run:cancelled', 'step:failed') then
      c.sent < c.wanted or c.sent > c.wanted and not exists (
        select from events e where e.run_id = c.run_id and e.type = 'run:retried'
      )
    when c.type = 'run:retried' then false
    else c.sent <> c.wanted
  end
  union all
  select 'ends of a run', r.run_id, null, format('%s ends, %s retries, %s now', n.ends, n.retries, r.status)
  from pgflow.runs r
  cross join lateral (
    select count(*) filter (where e.type in ('run:failed', 'run:cancelled')) as ends,
      count(*) filter (where e.type = 'run:retried') as retries
    from events e where e.run_id = r.run_id
  ) n
  where n.ends <> n.retries + (r.status in ('failed', 'cancelled'))::int
  union all
  select 'order of events', child.run_id, child.step_slug, format('%s before %s of %s', child.type, p.type, p.step_slug)
  from events child
  join pgflow.runs r on r.run_id = child.run_id
  join pgflow.deps d on d.flow_slug = r.flow_slug and d.step_slug = child.step_slug
  join events p on p.run_id = child.run_id and p.step_slug = d.dep_slug and p.type in ('step:completed', 'step:skipped')
  where child.type in ('step:started', 'step:completed') and p.id > child.id
  union all
  select 'run:started is not first', f.run_id, f.step_slug, f.type
  from (select distinct on (e.run_id) * from events e order by e.run_id, e.id) f
  where f.type not in ('run:started', 'run:cancelled');  -- cancelled before it began
$$;
