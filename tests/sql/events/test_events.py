"""Which events are sent, in which order, with what in them (specification/core.md, "Events")."""

from __future__ import annotations

from typing import Any

from tests.support.core import Core


def payloads(core: Core, event_type: str) -> list[dict[str, Any]]:
    return [row.payload for row in core.events(event_type=event_type)]


def moment(core: Core, text: str) -> Any:
    return core.value("select %s::timestamptz", text)


def test_all_are_sent_publicly_on_the_topic_of_the_run(core: Core) -> None:
    core.flow("f", "a", "m:map < a", "b", max_attempts=1)
    run = core.start_flow("f", {})
    core.work("f", [])
    (task,) = core.poll("f")
    core.fail_task(task.run_id, task.step_slug)
    events = core.events()
    assert {row.payload["event_type"] for row in events} == {
        "run:started", "step:started", "step:completed", "step:failed", "run:failed",
    }  # fmt: skip
    assert {row.private for row in events} == {False}
    assert {row.topic for row in events} == {f"pgflow:run:{run.run_id}"}
    assert {row.payload["run_id"] for row in events} == {str(run.run_id)}


def test_run_started(core: Core) -> None:
    core.flow("f", "a", "b")
    run = core.start_flow("f", {"x": [1]})
    (row,) = core.events(event_type="run:started")
    payload = row.payload
    assert row.event == "run:started"
    assert (payload["flow_slug"], payload["input"], payload["status"]) == ("f", {"x": [1]}, "started")
    assert payload["remaining_steps"] == 2
    assert moment(core, payload["started_at"]) == run.started_at


def test_step_started(core: Core) -> None:
    core.flow("f", "m:map")
    core.start_flow("f", [1, 2, 3])
    (row,) = core.events(event_type="step:started")
    payload = row.payload
    assert row.event == "step:m:started"
    assert (payload["step_slug"], payload["status"]) == ("m", "started")
    assert (payload["remaining_tasks"], payload["remaining_deps"]) == (3, 0)
    assert moment(core, payload["started_at"]) == core.now()


def test_step_completed(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    core.work("f", {"y": None})
    (row,) = core.events(event_type="step:completed")
    payload = row.payload
    assert row.event == "step:a:completed"
    assert (payload["step_slug"], payload["status"], payload["output"]) == ("a", "completed", {"y": None})
    assert moment(core, payload["completed_at"]) == core.now()


def test_step_completed_of_a_map_has_the_whole_array_and_comes_once(core: Core) -> None:
    core.flow("f", "m:map")
    run = core.start_flow("f", [1, 2, 3])
    core.poll("f", 3)
    for index in (2, 0, 1):
        core.complete_task(run.run_id, "m", index, index * 10)
    (payload,) = payloads(core, "step:completed")
    assert payload["output"] == [0, 10, 20]


def test_failures(core: Core) -> None:
    core.flow("f", "a", max_attempts=1)
    run = core.start_flow("f")
    core.poll("f")
    core.fail_task(run.run_id, "a", 0, "handler said no")
    (step,) = payloads(core, "step:failed")
    assert (step["step_slug"], step["status"], step["error_message"]) == ("a", "failed", "handler said no")
    assert moment(core, step["failed_at"]) == core.now()
    (failed,) = payloads(core, "run:failed")
    assert (failed["flow_slug"], failed["status"]) == ("f", "failed")
    assert failed["error_message"] == "handler said no"
    assert moment(core, failed["failed_at"]) == core.now()
    assert core.event_names() == ["run:started", "step:a:started", "step:a:failed", "run:failed"]


def test_a_retry_sends_nothing(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.poll("f")
    core.clear_events()
    core.fail_task(run.run_id, "a")
    assert core.events() == []


def test_completion_precedes_what_it_releases(core: Core) -> None:
    core.flow("f", "a", "b < a", "c < a", "m:map < a", "n < m")
    core.start_flow("f")
    core.clear_events()
    core.work("f", [])
    names = core.event_names()
    assert names[:2] == ["step:a:completed", "step:m:completed"]
    assert set(names[2:]) == {"step:b:started", "step:c:started", "step:n:started"}
    assert len(names) == 5


def test_order_over_a_whole_run(core: Core) -> None:
    core.flow("f", "a", "b < a")
    core.start_flow("f")
    core.work("f", 1)
    core.work("f", 2)
    assert core.event_names() == [
        "run:started",
        "step:a:started", "step:a:completed",
        "step:b:started", "step:b:completed",
        "run:completed",
    ]  # fmt: skip


def test_repeated_and_refused_calls_send_nothing(core: Core) -> None:
    core.flow("f", "a", "b", max_attempts=1)
    run = core.start_flow("f")
    core.complete_task(run.run_id, "a", 0, 1)  # queued: refused
    core.fail_task(run.run_id, "a")
    (task,) = core.poll("f")
    core.complete_task(run.run_id, "a", 0, 1)
    count = len(core.events())
    core.complete_task(run.run_id, "a", 0, 2)
    core.fail_task(run.run_id, "a")
    core.start_tasks("f", [task.msg_id])
    assert len(core.events()) == count


def test_type_violation(core: Core) -> None:
    core.flow("f", "a", "m:map < a")
    core.start_flow("f")
    core.clear_events()
    core.work("f", {"no": "array"})
    (step,) = payloads(core, "step:failed")
    assert "TYPE_VIOLATION" in step["error_message"]
    assert len(payloads(core, "run:failed")) == 1
    assert len(core.events()) == 2
