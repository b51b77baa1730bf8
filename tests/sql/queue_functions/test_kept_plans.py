"""A queue's plans live as long as their session: made on an empty queue, used on a full one."""

from __future__ import annotations

from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core, connect

BACKLOG, BATCH = 600, 20
LOOKED_AT = """
select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)
from pg_stat_xact_all_tables where schemaname = 'pgmq' and relname = 'q_f'
"""


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_a_claim_looks_at_the_messages_it_takes(live: Core, live_dsn: str, is_analyzed: bool) -> None:
    live.flow("f", "a")
    if is_analyzed:
        live.run_sql("vacuum analyze pgmq.q_f")
    worker_id = uuid4()
    live.run_sql("select pgflow.register_worker(%s, 'f', 'w')", worker_id)
    session = Core(connect(live_dsn))
    claim = "select * from pgflow.claim_tasks(array[%s], array['f'], %s)"
    for _ in range(7):
        assert session.rows(claim, worker_id, BATCH) == []
    live.rows("select * from pgflow.start_flows('f', %s)", [Jsonb({})] * BACKLOG)
    with session.connection.transaction():
        tasks = session.rows(claim, worker_id, BATCH)
        assert len(tasks) == BATCH
        assert session.value(LOOKED_AT) <= 3 * BATCH
    with session.connection.transaction():
        before = session.value(LOOKED_AT)
        session.call(
            "complete_tasks",
            worker_ids=[worker_id] * BATCH,
            run_ids=[task.run_id for task in tasks],
            step_slugs=["a"] * BATCH,
            task_indexes=[0] * BATCH,
            attempts=[1] * BATCH,
            outputs=[Jsonb(1)] * BATCH,
        )
        assert session.value(LOOKED_AT) - before <= 3 * BATCH
    session.connection.close()
