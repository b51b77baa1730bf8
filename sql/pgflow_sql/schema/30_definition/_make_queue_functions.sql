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
