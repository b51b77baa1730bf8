"""Subflows: a step whose handler returns the input of another flow's run, and whose output is that run's."""

from __future__ import annotations

from tests.support.batch import claim, complete, register
from tests.support.core import Core
from tests.support.subflows import children, family
from tests.support.timers import fire


def test_the_output_of_the_child_is_the_output_of_the_step(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {"n": 1})
    worker = register(core, "parent")
    assert complete(core, claim(core, (worker, "parent")), [{"amount": 5}]) == []
    task = core.task(run.run_id, "bill")
    assert (task.status, task.waits_for, task.message_id) == ("queued", "child", None)
    assert core.queue("parent") == []
    (child,) = children(core, run.run_id)
    assert (child.step_slug, child.task_index, child.attempt, child.flow_slug, child.status) == (
        "bill", 0, 1, "child", "started",
    )  # fmt: skip
    assert core.run(child.run_id).input == {"amount": 5}
    (told,) = complete(core, claim(core, (register(core, "child"), "child")), ["billed"])
    assert told.outcome == "due"
    assert fire(core).fired_count == 1
    assert core.step(run.run_id, "bill").output == {"work": "billed"}
    (after,) = claim(core, (worker, "parent"))
    assert (after.step_slug, after.input) == ("after", {"bill": {"work": "billed"}})
    complete(core, [after], ["done"])
    assert core.run(run.run_id).output == {"after": "done"}
