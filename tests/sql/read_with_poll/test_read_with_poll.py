"""`pgflow.read_with_poll`, the first half of polling under the core's own name
(specification/core.md, "Messages").
"""

from __future__ import annotations

from psycopg.types.json import Jsonb

from tests.support.core import Core


def test_reads_and_hides(core: Core) -> None:
    core.flow("f", "m:map")
    core.start_flow("f", [1, 2, 3])
    rows = core.rows("select * from pgflow.read_with_poll('f', 30, 2)")
    assert [row.msg_id for row in rows] == [1, 2]
    assert [row.msg_id for row in core.rows("select * from pgflow.read_with_poll('f', 30, 5)")] == [3]
    assert rows[0].message["step_slug"] == "m"


def test_gives_up(core: Core) -> None:
    core.create_flow("f")
    assert core.rows("select * from pgflow.read_with_poll('f', 30, 2, 0, 10)") == []
    found = core.call("read_with_poll", queue_name="f", vt=1, qty=1, max_poll_seconds=1, poll_interval_ms=50)
    assert found == []


def test_conditional(core: Core) -> None:
    core.flow("f", "a", "b")
    core.start_flow("f")
    (row,) = core.call("read_with_poll", queue_name="f", vt=1, qty=9, conditional=Jsonb({"step_slug": "b"}))
    assert row.message["step_slug"] == "b"
