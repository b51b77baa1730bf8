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
