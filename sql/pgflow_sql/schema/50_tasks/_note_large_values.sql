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
