"""A run that begins later is there from the start, and nothing of it happens before its time."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.runs.snapshot import RunSnapshot
from tests.support.control import cancel, hold, let_go, retry
from tests.support.core import Core, Json, Row
from tests.support.steps_that_wait import add_signal, send, send_by_key
from tests.support.timers import fire, pass_time, timers


def start(
    core: Core, *inputs: Json, at: Json = ..., flow: str = "f", ids: list[UUID] | None = None
) -> list[Row]:
    if at is ...:
        at = (core.clock() + timedelta(hours=1)).isoformat()
    return core.rows(
        "select * from pgflow.start_flows(%s, %s::jsonb[], %s::uuid[], options => %s)",
        flow,
        [Jsonb(value) for value in inputs or (None,)],
        ids,
        Jsonb({"begins_at": at}),
    )


def test_it_waits_for_its_time(core: Core) -> None:
    core.create_flow("f", options=Jsonb({"run_timeout": 60}))
    core.add_step("f", "a")
    (run,) = start(core)
    assert (run.status, run.begins_at > core.clock(), run.remaining_steps) == ("started", True, 1)
    assert core.statuses(run.run_id) == {"a": "created"}
    assert (core.queue("f"), core.event_names(run.run_id)) == ([], [])
    (timer,) = timers(core)
    assert (timer.kind, timer.run_id) == ("begin", run.run_id)
    assert 3590 < timer.seconds <= 3600


def test_when_its_time_has_come_it_is_as_if_started_then(core: Core) -> None:
    core.create_flow("f", options=Jsonb({"run_timeout": 60}))
    core.add_step("f", "a")
    (run,) = start(core)
    core.run_sql("update pgflow.runs set started_at = started_at - interval '1 hour'")
    pass_time(core)
    assert fire(core).fired_count == 1
    begun = core.run(run.run_id)
    assert (begun.begins_at, begun.started_at) == (None, core.now())
    assert core.event_names(run.run_id) == ["run:started", "step:a:started"]
    (timer,) = timers(core)
    assert (timer.kind, 59 < timer.seconds <= 60) == ("run_timeout", True)
    core.work("f", 1)
    assert core.run(run.run_id).output == {"a": 1}


@pytest.mark.parametrize("at", [None, 0, "2001-01-01T00:00:00Z"])
def test_a_time_that_has_come_is_now(core: Core, at: Json) -> None:
    core.flow("f", "a")
    (run,) = start(core, at=at)
    assert (run.begins_at, core.statuses(run.run_id), timers(core)) == (None, {"a": "started"}, [])


@pytest.mark.parametrize("at", ["tomorrow", "2099-01-01", "2099-01-01T00:00:00", True, [], -1, 1e300])
def test_what_is_no_time(core: Core, at: Json) -> None:
    core.flow("f", "a")
    with core.refused("begins_at is no time", sqlstate="PF011"):
        start(core, at=at)


def test_unknown_options(core: Core) -> None:
    core.flow("f", "a")
    with core.refused('A start has no option "start_at"', sqlstate="PF011"):
        core.rows("""select pgflow.start_flows('f', array['1'::jsonb], options => '{"start_at": 1}')""")


def test_conditions_are_judged_then(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "a", required_input_pattern={"go": True}, when_unmet="fail")
    core.add_step("f", "m", ["a"], step_type="map")
    (run,) = start(core, {"go": False})
    assert core.run(run.run_id).status == "started"
    pass_time(core)
    fire(core)
    assert core.run(run.run_id).status == "failed"


def test_empty_maps_and_flows_without_steps(core: Core) -> None:
    core.flow("f", "m:map")
    core.create_flow("g")
    runs = [start(core, [], flow=flow)[0].run_id for flow in ("f", "g")]
    assert [core.run(run).status for run in runs] == ["started", "started"]
    pass_time(core)
    assert fire(core).fired_count == 2
    assert [core.run(run).status for run in runs] == ["completed", "completed"]


def test_started_again_it_is_the_same_run(core: Core) -> None:
    core.flow("f", "a")
    run_id = uuid4()
    first = start(core, 1, ids=[run_id])
    assert start(core, 1, ids=[run_id]) == first
    assert (len(timers(core)), core.start_flow("f", 1, run_id).begins_at) == (1, first[0].begins_at)


def test_many_at_once(core: Core) -> None:
    core.flow("f", "a")
    runs = start(core, *range(50))
    pass_time(core)
    assert fire(core).fired_count == 50
    assert {message.message["run_id"] for message in core.queue("f")} == {str(run.run_id) for run in runs}


class TestControl:
    def test_cancelled_and_retried_it_waits_again(self, core: Core) -> None:
        core.create_flow("f", options=Jsonb({"run_timeout": 60}))
        core.add_step("f", "a")
        run = start(core)[0].run_id
        assert cancel(core, run) == ["cancelled"]
        assert (core.statuses(run), timers(core)) == ({"a": "cancelled"}, [])
        assert retry(core, run) == ["retried"]
        assert core.statuses(run) == {"a": "created"}
        (timer,) = timers(core)
        assert (timer.kind, 3590 < timer.seconds <= 3600) == ("begin", True)
        pass_time(core)
        fire(core)
        core.work("f")
        assert core.run(run).status == "completed"
        assert core.event_names(run)[:3] == ["run:cancelled", "run:retried", "run:started"]

    def test_held_it_begins_and_nothing_is_done(self, core: Core) -> None:
        core.flow("f", "a")
        run = start(core)[0].run_id
        assert hold(core, run) == ["held"]
        pass_time(core)
        assert fire(core).fired_count == 1
        assert (core.task(run, "a").waits_for, core.queue("f")) == ("hold", [])
        let_go(core, run)
        core.work("f")
        assert core.run(run).status == "completed"

    def test_forked_the_fork_begins_at_once(self, core: Core) -> None:
        core.flow("f", "a")
        run = start(core)[0].run_id
        (row,) = core.call("fork_run", run_id=run, from_steps=["a"])
        assert core.statuses(row.fork_run) == {"a": "started"}

    def test_signals_are_kept(self, core: Core) -> None:
        core.create_flow("f")
        add_signal(core, "f", "answer", key=["id"])
        run = start(core, {"id": "x"})[0].run_id
        assert send(core, run, "answer", 1) == "kept"
        assert send_by_key(core, "f", "answer", "x", 2) == {run: "kept"}
        pass_time(core)
        fire(core)
        assert core.run(run).output == {"answer": 1}

    def test_pruning_leaves_it(self, core: Core) -> None:
        core.flow("f", "a")
        run = start(core)[0].run_id
        core.run_sql("select pgflow.prune_data_older_than(interval '-1 day')")
        assert core.run(run).status == "started"

    def test_deleted_with_its_flow(self, core: Core) -> None:
        core.flow("f", "a")
        start(core)
        core.run_sql("select pgflow.delete_flow_and_data('f')")
        assert timers(core) == []


@pytest.mark.parametrize(
    "function",
    [
        "start_ready_steps",
        "cascade_complete_taskless_steps",
        "cascade_resolve_conditions",
        "maybe_complete_run",
    ],
)
def test_pgflows_own_functions_leave_it(core: Core, function: str) -> None:
    core.create_flow("f")
    core.add_step("f", "a")
    core.add_step("f", "b", required_input_pattern={"go": True})
    core.flow("g", "m:map")
    core.create_flow("h")
    runs = [start(core, [], flow=flow)[0].run_id for flow in ("f", "g", "h")]
    for run in runs:
        core.call(function, run_id=run)
        assert core.run(run).status == "started"
        assert set(core.statuses(run).values()) <= {"created"}


def test_readers_say_when(core: Core) -> None:
    core.flow("f", "a")
    (run,) = start(core)
    progress = core.row("select * from pgflow.get_run_progress(array[%s]::uuid[])", run.run_id).progress
    found = RunSnapshot.read({**progress, "run": {**progress["run"], "input": None}})
    assert (found.begins_at, found.status) == (run.begins_at, "started")
    (row,) = core.call("find_runs")
    assert row.begins_at == run.begins_at
    assert core.row("select * from pgflow.run_overview").begins_at == run.begins_at
    pass_time(core)
    fire(core)
    assert core.call("find_runs")[0].begins_at is None
