"""How much a flow has to do now: what a worker may take, what workers are at, what is due."""

from __future__ import annotations

import pytest

from tests.support.batch import claim, complete, fail, register
from tests.support.core import Core
from tests.support.timers import pass_time


def backlog(core: Core, flow: str = "f") -> object:
    return core.value("select pgflow.backlog(%s)", flow)


def test_tasks_that_wait_for_a_worker_and_those_at_work(core: Core) -> None:
    core.flow("f", "m:map", "after < m")
    core.flow("other", "a")
    assert backlog(core) == 0
    core.start_flow("f", [1, 2, 3])
    core.start_flow("other")
    assert backlog(core) == 3
    worker = register(core, "f")
    tasks = claim(core, (worker, "f"), max_tasks=2)
    assert backlog(core) == 3
    complete(core, tasks)
    assert backlog(core) == 1


def test_dependents_count_from_when_they_are_ready(core: Core) -> None:
    core.flow("f", "a", "b < a", "c < a")
    core.start_flow("f")
    complete(core, claim(core, (register(core, "f"), "f")))
    assert backlog(core) == 2


def test_what_waits_for_a_time_counts_once_it_is_due(core: Core) -> None:
    """Timers are fired by workers: where there are none, somebody has to start one."""
    core.flow("f", "a", max_attempts=3)
    core.start_flow("f")
    fail(core, claim(core, (register(core, "f"), "f")), retry_after=[60])
    assert backlog(core) == 0
    pass_time(core, 61)
    assert backlog(core) == 1


def test_of_a_paused_flow_only_what_workers_are_at(core: Core) -> None:
    core.flow("f", "m:map")
    core.start_flow("f", [1, 2, 3])
    claim(core, (register(core, "f"), "f"), max_tasks=1)
    core.value("select pgflow.pause_flow('f')")
    assert backlog(core) == 1
    core.value("select pgflow.resume_flow('f')")
    assert backlog(core) == 3


def test_ended_runs_leave_nothing(core: Core) -> None:
    core.flow("f", "m:map", max_attempts=1)
    run = core.start_flow("f", [1, 2])
    core.run_sql("select pgflow.cancel_runs(array[%s]::uuid[])", run.run_id)
    assert backlog(core) == 0


@pytest.mark.parametrize("flow", ["nope", None])
def test_a_flow_that_does_not_exist_is_refused(core: Core, flow: str | None) -> None:
    with core.refused("Unknown flow", sqlstate="PF001"):
        backlog(core, flow)  # type: ignore[arg-type]


def test_a_user_with_the_rights_of_clients_or_workers_may_ask(core: Core) -> None:
    """KEDA, or whatever asks, needs no more."""
    from pgflow_sql.surface import callable_by

    assert "backlog" in callable_by("client")
    assert "backlog" in callable_by("worker")
