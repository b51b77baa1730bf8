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
