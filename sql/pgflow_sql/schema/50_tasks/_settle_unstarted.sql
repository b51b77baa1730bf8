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
