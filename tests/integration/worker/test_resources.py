"""What the tasks of a worker share is opened once, and closed at the worker's end."""

from __future__ import annotations

from tests.support.worker_lab import Lab


def test_tasks_share_a_resource_which_the_worker_closes(lab: Lab) -> None:
    with lab.worker("shared") as worker:
        output = lab.completed(lab.start("shared", [1, 2, 3, 4]))
        assert (len(set(output["counted"])), len(set(output["pooled"]))) == (1, 1)
        assert "closed" not in worker.log
        assert worker.stop() == 0
        assert "counter closed" in worker.log
        assert "pool closed" in worker.log
