"""A run that takes longer than its flow allows fails, as a whole."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, claim_one, complete, fail, register
from tests.support.core import Core
from tests.support.timers import fire, pass_time, timers


@pytest.fixture(autouse=True)
def _flow(core: Core) -> None:
    core.create_flow("f", base_delay=0, options=Jsonb({"run_timeout": 60}))
    core.add_step("f", "a")
    core.add_step("f", "b", ["a"])
    core.add_step("f", "other")


def run_out(core: Core, run_id: UUID) -> None:
    pass_time(core, 60)
    assert fire(core).fired_count == 1
    assert core.run(run_id).status == "failed"


def test_a_timer_is_written_when_a_run_starts(core: Core) -> None:
    run = core.start_flow("f")
    (timer,) = timers(core)
    assert (timer.kind, timer.run_id, timer.flow_slug) == ("run_timeout", run.run_id, "f")
    assert 55 < timer.seconds <= 60


def test_none_for_other_flows_or_for_runs_that_are_there_already(core: Core) -> None:
    core.flow("g", "a")
    core.start_flow("g")
    assert timers(core) == []
    run = core.start_flow("f", 1)
    core.start_flow("f", 1, run.run_id)
    assert len(timers(core)) == 1


def test_nothing_happens_before(core: Core) -> None:
    run = core.start_flow("f")
    pass_time(core, 50)
    assert fire(core).fired_count == 0
    assert core.run(run.run_id).status == "started"


def test_the_run_fails_and_no_step_does(core: Core) -> None:
    run = core.start_flow("f")
    task = claim_one(core, register(core, "f"), "f")
    core.clear_events()
    run_out(core, run.run_id)
    failed = core.run(run.run_id)
    assert failed.error_message == "timed out after 60 s"
    assert failed.failed_at is not None
    assert core.statuses(run.run_id) == {"a": "started", "b": "created", "other": "started"}
    assert core.event_names(run.run_id) == ["run:failed"]
    assert core.queue("f") == []
    assert len(core.archive("f")) == 2
    assert [row.outcome for row in complete(core, [task], [1])] == ["stale"]


def test_what_failed_is_the_run(core: Core) -> None:
    run = core.start_flow("f")
    run_out(core, run.run_id)
    (found,) = core.rows("select * from pgflow.get_run_failure(%s)", run.run_id)
    assert found == (None, None, "timed out after 60 s")


def test_nor_a_task_of_a_step_that_was_skipped_or_a_failed_attempt(core: Core) -> None:
    core.create_flow("g", base_delay=0, options=Jsonb({"run_timeout": 60}))
    core.add_step("g", "a", when_exhausted="skip", max_attempts=1)
    core.add_step("g", "b")
    run = core.start_flow("g")
    worker = register(core, "g")
    fail(core, claim(core, (worker, "g")))
    run_out(core, run.run_id)
    (found,) = core.rows("select * from pgflow.get_run_failure(%s)", run.run_id)
    assert found == (None, None, "timed out after 60 s")


def test_waits_end_with_the_run(core: Core) -> None:
    run = core.start_flow("f")
    fail(core, [claim_one(core, register(core, "f"), "f")], retry_after=[1000])
    assert len(timers(core)) == 2
    run_out(core, run.run_id)
    assert timers(core) == []


def test_a_run_that_ends_takes_its_timer_along(core: Core) -> None:
    completed, failed = core.start_flow("f"), core.start_flow("f")
    worker = register(core, "f")
    while tasks := claim(core, (worker, "f")):
        complete(core, [task for task in tasks if task.run_id == completed.run_id])
        fail(core, [task for task in tasks if task.run_id == failed.run_id])
    assert core.run(completed.run_id).status == "completed"
    assert core.run(failed.run_id).status == "failed"
    assert timers(core) == []


def test_one_that_comes_too_late_changes_nothing(core: Core) -> None:
    run = core.start_flow("f")
    (timer,) = timers(core)
    for _ in range(3):
        core.work("f")
    core.run_sql(
        "insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload) "
        "values (now(), %s, 'f', %s, %s)",
        timer.kind,
        timer.run_id,
        Jsonb(timer.payload),
    )
    assert core.run(run.run_id).status == "completed"
    core.clear_events()
    assert fire(core).fired_count == 1
    assert core.run(run.run_id).status == "completed"
    assert core.events() == []


def test_runs_keep_the_time_out_they_were_started_with(core: Core) -> None:
    run = core.start_flow("f")
    core.call("alter_flow", flow_slug="f", options=Jsonb({}))
    core.start_flow("f")
    assert [timer.run_id for timer in timers(core)] == [run.run_id]
    run_out(core, run.run_id)


def test_flows_with_conditions_and_empty_maps_too(core: Core) -> None:
    core.create_flow("g", options=Jsonb({"run_timeout": 60}))
    core.add_step("g", "m", step_type="map")
    run = core.start_flow("g", [])
    assert core.run(run.run_id).status == "completed"
    assert timers(core) == []


def test_a_run_can_end_by_being_skipped(core: Core) -> None:
    core.create_flow("g", base_delay=0, options=Jsonb({"run_timeout": 60}))
    core.add_step("g", "a", when_exhausted="skip-cascade", max_attempts=1)
    core.add_step("g", "b", ["a"])
    run = core.start_flow("g")
    fail(core, [claim_one(core, register(core, "g"), "g")])
    assert core.run(run.run_id).status == "completed"
    assert timers(core) == []
