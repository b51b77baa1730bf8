"""A timeout that really runs out: the message comes back, the task does not start twice."""

from __future__ import annotations

from tests.support.batch import claim, register
from tests.support.core import Core
from tests.support.wait import eventually


def test_a_message_comes_back_after_the_timeout(live: Core) -> None:
    live.flow("f", "a", timeout=1)
    run = live.start_flow("f")
    (record,) = live.poll("f")
    assert live.read("f") == []
    ids = eventually(lambda: live.read("f"))
    assert ids == [record.msg_id]
    late = live.clock() - live.task(run.run_id, "a").started_at
    assert late.total_seconds() >= 3  # one second of timeout, two to spare
    assert live.start_tasks("f", ids) == []
    assert claim(live, (register(live, "f"), "f")) == []
    assert live.task(run.run_id, "a").attempts_count == 1
