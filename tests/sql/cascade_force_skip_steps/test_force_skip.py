"""`_cascade_force_skip_steps` (specification/core.md, "Conditions")."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.support.core import Core

DIAMOND = ("a", "b < a", "c < a", "d < b c", "other", "join < d other")


def skip(core: Core, run_id: UUID, slug: str, reason: str = "my reason") -> int:
    row = core.row(
        "select pgflow._cascade_force_skip_steps(run_id => %s, step_slug => %s, skip_reason => %s)",
        run_id, slug, reason,
    )  # fmt: skip
    found: int = row[0]
    return found


def test_everything_that_depends_on_it(core: Core) -> None:
    core.flow("f", *DIAMOND)
    run = core.start_flow("f")
    assert skip(core, run.run_id, "a") == 5
    assert core.statuses(run.run_id) == {
        "a": "skipped", "b": "skipped", "c": "skipped", "d": "skipped", "other": "started", "join": "skipped",
    }  # fmt: skip
    reasons = {slug: core.step(run.run_id, slug).skip_reason for slug in ("a", "b", "c", "d", "join")}
    assert reasons.pop("a") == "my reason"
    assert set(reasons.values()) == {"dependency_skipped"}
    found = core.run(run.run_id)
    assert (found.status, found.remaining_steps) == ("started", 1)


def test_state_of_a_skipped_step(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run = core.start_flow("f")
    skip(core, run.run_id, "a")
    step = core.step(run.run_id, "a")
    assert (step.skipped_at, step.remaining_tasks, step.failed_at) == (core.now(), None, None)
    assert core.step(run.run_id, "b").remaining_deps == 1
    assert core.task(run.run_id, "a").status == "queued"


def test_events_in_topological_order(core: Core) -> None:
    core.flow("f", *DIAMOND)
    run = core.start_flow("f")
    core.clear_events()
    skip(core, run.run_id, "a")
    events = core.events()
    assert [event.event for event in events] == [
        f"step:{slug}:skipped" for slug in ("a", "b", "c", "d", "join")
    ]
    assert {event.payload["skip_reason"] for event in events[1:]} == {"dependency_skipped"}
    assert events[0].payload["skip_reason"] == "my reason"
    assert {event.payload["flow_slug"] for event in events} == {"f"}


def test_messages_of_the_skipped_steps(core: Core) -> None:
    core.flow("f", "a", "m:map", "other", "b < a m")
    run = core.start_flow("f", [1, 2])
    core.poll("f", 2)
    assert skip(core, run.run_id, "m") == 2
    assert [row.message["step_slug"] for row in core.queue("f")] == ["a", "other"]
    assert len(core.archive("f")) == 2


def test_a_second_call_does_nothing(core: Core) -> None:
    core.flow("f", *DIAMOND)
    run = core.start_flow("f")
    skip(core, run.run_id, "b")
    before = (core.run(run.run_id), len(core.events()))
    assert skip(core, run.run_id, "b", "again") == 0
    assert (core.run(run.run_id), len(core.events())) == before
    assert core.step(run.run_id, "b").skip_reason == "my reason"


def test_messages_of_steps_skipped_before_stay(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run = core.start_flow("f")
    core.run_sql(
        "update pgflow.step_states set status = 'skipped', skip_reason = 'by hand', skipped_at = now(), "
        "remaining_tasks = null where step_slug = 'a'"
    )
    assert skip(core, run.run_id, "a") == 1
    assert len(core.queue("f")) == 1
    assert core.step(run.run_id, "a").skip_reason == "by hand"


def test_finished_steps_are_not_touched(core: Core) -> None:
    core.flow("f", "a", "b < a", "c < b")
    run = core.start_flow("f")
    core.work("f", 1)
    assert skip(core, run.run_id, "a") == 2
    assert core.statuses(run.run_id) == {"a": "completed", "b": "skipped", "c": "skipped"}


def test_it_does_not_complete_the_run(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run = core.start_flow("f")
    skip(core, run.run_id, "a")
    found = core.run(run.run_id)
    assert (found.status, found.remaining_steps) == ("started", 0)


def test_other_runs(core: Core) -> None:
    core.flow("f", "a", "b < a")
    first, second = core.start_flow("f"), core.start_flow("f")
    skip(core, first.run_id, "a")
    assert core.statuses(second.run_id) == {"a": "started", "b": "created"}
    assert len(core.queue("f")) == 1


def test_unknown_run(core: Core) -> None:
    run_id = uuid4()
    with core.refused(f"Run not found: {run_id}"):
        skip(core, run_id, "a")


@pytest.mark.parametrize("height", [40])
def test_stacked_diamonds_are_linear(core: Core, height: int) -> None:
    """Two paths through each of forty diamonds: 2^40 paths, 121 steps. Must simply end."""
    core.create_flow("f")
    core.add_step("f", "s0")
    for n in range(height):
        core.add_step("f", f"l{n}", [f"s{n}"])
        core.add_step("f", f"r{n}", [f"s{n}"])
        core.add_step("f", f"s{n + 1}", [f"l{n}", f"r{n}"])
    run = core.start_flow("f")
    core.run_sql("set local statement_timeout = '20s'")
    assert skip(core, run.run_id, "s0") == 3 * height + 1
    assert core.run(run.run_id).remaining_steps == 0
