"""Steps without tasks (specification/core.md, "Maps")."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.core import Core


def chain(core: Core, length: int) -> None:
    core.flow("f", "m0:map", *(f"m{i}:map < m{i - 1}" for i in range(1, length)))


def test_empty_root_map_completes_without_starting(core: Core) -> None:
    core.flow("f", "m:map", "after < m")
    run = core.start_flow("f", [])
    step = core.step(run.run_id, "m")
    assert (step.status, step.output, step.initial_tasks, step.remaining_tasks) == ("completed", [], 0, 0)
    assert step.started_at == step.completed_at == core.now()
    assert core.tasks(run.run_id, "m") == []
    assert core.event_names(run.run_id) == ["run:started", "step:m:completed", "step:after:started"]
    (task,) = core.poll("f", 10)
    assert (task.step_slug, task.input) == ("after", {"m": []})
    assert core.run(run.run_id).remaining_steps == 1


def test_event_of_a_taskless_step(core: Core) -> None:
    core.flow("f", "m:map")
    core.start_flow("f", [])
    (event,) = core.events(event_type="step:completed")
    payload = event.payload
    assert payload["started_at"] == payload["completed_at"]
    assert (payload["remaining_tasks"], payload["remaining_deps"], payload["output"]) == (0, 0, [])
    assert (payload["step_slug"], payload["status"]) == ("m", "completed")


def test_emptiness_spreads_through_maps(core: Core) -> None:
    core.flow("f", "a", "m:map < a", "n:map < m", "side:map < a", "end < n side")
    run = core.start_flow("f")
    core.work("f", [])
    assert core.statuses(run.run_id) == {
        "a": "completed", "m": "completed", "n": "completed", "side": "completed", "end": "started",
    }  # fmt: skip
    assert core.run(run.run_id).remaining_steps == 1
    assert core.poll("f")[0].input == {"n": [], "side": []}


def test_parents_come_before_children(core: Core) -> None:
    chain(core, 4)
    run = core.start_flow("f", [])
    assert core.event_names(run.run_id) == [
        "run:started", "step:m0:completed", "step:m1:completed", "step:m2:completed", "step:m3:completed",
        "run:completed",
    ]  # fmt: skip
    assert core.run(run.run_id).output == {"m3": []}


def test_a_dependent_of_several_empty_maps(core: Core) -> None:
    core.flow("f", "m:map", "n:map", "o:map", "end < m n o")
    run = core.start_flow("f", [])
    end = core.step(run.run_id, "end")
    assert (end.status, end.remaining_deps) == ("started", 0)
    assert core.run(run.run_id).remaining_steps == 1


def test_a_dependent_with_another_open_parent_waits(core: Core) -> None:
    core.flow("f", "a", "m:map", "end < a m")
    run = core.start_flow("f", [])
    end = core.step(run.run_id, "end")
    assert (end.status, end.remaining_deps) == ("created", 1)


@pytest.fixture
def prepared(core: Core) -> UUID:
    """A run whose map `m` was made ready and empty by hand; `n` depends on it."""
    core.flow("f", "a", "m:map < a", "n:map < m", "s < m")
    run = core.start_flow("f")
    core.run_sql("update pgflow.step_states set remaining_deps = 0, initial_tasks = 0 where step_slug = 'm'")
    core.clear_events()
    result: UUID = run.run_id
    return result


def test_returns_how_many_it_completed(core: Core, prepared: UUID) -> None:
    assert core.value("select pgflow.cascade_complete_taskless_steps(run_id => %s)", prepared) == 2
    assert core.value("select pgflow.cascade_complete_taskless_steps(%s)", prepared) == 0
    assert core.run(prepared).remaining_steps == 2


def test_it_neither_starts_steps_nor_completes_the_run(core: Core, prepared: UUID) -> None:
    core.run_sql("select pgflow.cascade_complete_taskless_steps(%s)", prepared)
    step = core.step(prepared, "s")
    assert (step.status, step.remaining_deps) == ("created", 0)
    assert core.event_names() == ["step:m:completed", "step:n:completed"]


def test_a_taskless_single_step_has_no_output(core: Core, prepared: UUID) -> None:
    core.run_sql("update pgflow.step_states set remaining_deps = 0, initial_tasks = 0 where step_slug = 's'")
    core.run_sql("update pgflow.step_states set remaining_deps = 5 where step_slug = 'm'")
    assert core.value("select pgflow.cascade_complete_taskless_steps(%s)", prepared) == 1
    step = core.step(prepared, "s")
    assert (step.status, step.output) == ("completed", None)


def test_a_failed_run_has_nothing_to_complete(core: Core) -> None:
    core.flow("f", "a", "m:map < a")
    run = core.start_flow("f", {})
    core.run_sql("update pgflow.runs set status = 'failed', failed_at = now()")
    assert core.value("select pgflow.cascade_complete_taskless_steps(%s)", run.run_id) == 0


def test_unknown_run(core: Core) -> None:
    assert core.value("select pgflow.cascade_complete_taskless_steps(gen_random_uuid())") == 0


@pytest.mark.parametrize("length", [2, 10, 49])
def test_long_chains(core: Core, length: int) -> None:
    chain(core, length)
    run = core.start_flow("f", [])
    assert (run.status, run.output) == ("completed", {f"m{length - 1}": []})


def test_too_long_a_chain(core: Core) -> None:
    chain(core, 51)
    with core.refused(r"Cascade loop exceeded safety limit of \d+ iterations", sqlstate="PF007"):
        core.start_flow("f", [])
    assert core.rows("select * from pgflow.runs") == []


def test_chain_behind_a_single_step(core: Core) -> None:
    core.flow("f", "a", "m0:map < a", *(f"m{i}:map < m{i - 1}" for i in range(1, 49)), "end < m48")
    run = core.start_flow("f")
    core.work("f", [])
    assert core.poll("f")[0].input == {"m48": []}
    core.complete_task(run.run_id, "end", 0, 1)
    assert core.run(run.run_id).output == {"end": 1}
