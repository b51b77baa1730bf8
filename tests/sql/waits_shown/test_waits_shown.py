"""What is shown of runs that wait: of their steps, in lists, in the view of those that wait for somebody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.support.core import Core
from tests.support.steps_that_wait import add_signal, add_sleep


def wait_of(core: Core, run: UUID) -> dict[str, Any]:
    """By step: what the reading of watchers says of its waiting."""
    progress = core.value("select progress from pgflow.get_run_progress(array[%s])", run)
    return {step["step_slug"]: step["wait"] for step in progress["steps"] if "wait" in step}


def test_a_run_says_what_its_steps_wait_for(core: Core) -> None:
    core.create_flow("f")
    add_signal(core, "f", "answer", deadline=60)
    add_signal(core, "f", "word")
    add_sleep(core, "f", "nap", seconds=600)
    core.add_step("f", "work")
    run = core.start_flow("f").run_id
    found = wait_of(core, run)
    assert found["answer"]["waits_for"] == "signal"
    assert found["answer"]["until"] is not None
    assert found["word"] == {"waits_for": "signal", "until": None, "key": None}
    assert found["nap"]["waits_for"] == "sleep"
    assert found["nap"]["until"] is not None
    assert found["work"] is None
    (row,) = core.call("list_runs", only_flow="f")
    assert row.waits_for in ("answer", "word")
    rows = core.rows("select * from pgflow.waiting_runs where waits_for = 'signal'")
    assert {row.step_slug for row in rows} == {"answer", "word"}


def test_a_list_says_what_sleeps_and_what_begins_later(core: Core) -> None:
    core.create_flow("f")
    add_sleep(core, "f", "nap", seconds=600)
    asleep = core.start_flow("f").run_id
    later = core.row(
        "select * from pgflow.start_flows('f', '{1}', options => '{\"begins_at\": \"2999-01-01T00:00:00Z\"}')"
    )
    rows = {row.run_id: row for row in core.call("list_runs", only_flow="f")}
    assert (rows[asleep].waits_for, rows[asleep].begins_at) == ("nap", None)
    assert rows[asleep].waits_until is not None
    assert (rows[later.run_id].waits_for, rows[later.run_id].begins_at.year) == (None, 2999)
    progress = core.value("select progress from pgflow.get_run_progress(array[%s])", later.run_id)
    assert progress["run"]["begins_at"].startswith("2999")
