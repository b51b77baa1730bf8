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
