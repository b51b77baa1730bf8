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
set search_path = pg_catalog, pg_temp
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
          or t.status in ('completed', 'failed') or t.permanently_stalled_at is not null
          then null
        when t.status = 'started' then greatest(
          ceil(extract(epoch from t.started_at - clock_timestamp()))::int
            + coalesce(st.opt_timeout, f.opt_timeout) + 30,
          _settle_unstarted.visibility_timeout
        )
        else _settle_unstarted.visibility_timeout
      end as vt_offset
    from unnest(
      _settle_unstarted.msg_ids, _settle_unstarted.run_ids,
      _settle_unstarted.step_slugs, _settle_unstarted.task_indexes
    ) g(msg_id, run_id, step_slug, task_index)
    left join pgflow.step_tasks t
      on t.run_id = g.run_id and t.step_slug = g.step_slug and t.task_index = g.task_index
    left join pgflow.runs r on r.run_id = t.run_id
    left join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = t.step_slug
    left join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug
    left join pgflow.flows f on f.flow_slug = t.flow_slug
  ) m;

  if v_found.over_msg_ids is not null then
    perform 1 from pgmq.archive(_settle_unstarted.flow_slug, v_found.over_msg_ids);
  end if;
  if v_found.msg_ids is not null then
    perform pgflow._hide_messages(_settle_unstarted.flow_slug, v_found.msg_ids, v_found.vt_offsets);
  end if;
end;
$$;
