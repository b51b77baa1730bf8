"""One trace from the start of a run through the queue to each attempt at each task; none without a set-up."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.telemetry import carrier_of
from tests.support.project import Project
from tests.support.server import Server

Found: TypeAlias = dict[str, Any]


def run_program(project: Project, dsn: str, mode: str) -> Found:
    done = project.python("program.py", dsn, mode)
    assert done.returncode == 0, done.stderr
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def trace_contexts(dsn: str) -> dict[str, Any]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select run_id::text, trace_context from pgflow.runs").fetchall()
    return dict(rows)


@pytest.fixture(scope="module")
def traced_run(traced_project: Project, postgres_server: Server) -> Found:
    """What the program told when it traced, and the stored contexts."""
    dsn = postgres_server.create_database()
    traced_project.ok("migrate", "--dsn", dsn)
    found = run_program(traced_project, dsn, "traced")
    found["contexts"] = trace_contexts(dsn)
    postgres_server.drop_database(dsn)
    return found


def spans_of(found: Found, run_id: str) -> list[dict[str, Any]]:
    return [span for span in found["spans"] if span["attributes"].get("pgflow.run_id") == run_id]


def test_one_trace_from_the_caller_to_every_attempt(traced_run: Found) -> None:
    found = traced_run
    (request,) = [span for span in found["spans"] if span["name"] == "request"]
    start, *attempts = spans_of(found, found["run"])
    assert (start["name"], start["kind"]) == ("start traced", "SpanKind.PRODUCER")
    assert start["parent_id"] == request["context"]["span_id"]
    assert start["attributes"]["messaging.destination.name"] == "traced"
    assert {span["parent_id"] for span in attempts} == {start["context"]["span_id"]}
    assert {span["context"]["trace_id"] for span in attempts} == {request["context"]["trace_id"]}
    assert {span["kind"] for span in attempts} == {"SpanKind.CONSUMER"}
    made = sorted(
        (span["name"], span["attributes"]["pgflow.task_index"], span["attributes"]["pgflow.attempt"])
        for span in attempts
    )
    assert made == [
        ("process traced.double", 0, 1),
        ("process traced.double", 1, 1),
        ("process traced.double", 2, 1),
        ("process traced.numbers", 0, 1),
        ("process traced.settle", 0, 1),
        ("process traced.settle", 0, 2),
    ]


def test_a_failed_attempt_says_why(traced_run: Found) -> None:
    found = traced_run
    settle = [span for span in spans_of(found, found["run"]) if span["name"] == "process traced.settle"]
    failed, done = sorted(settle, key=lambda span: span["attributes"]["pgflow.attempt"])
    assert failed["status"] == {"status_code": "ERROR", "description": "ValueError: not at once"}
    assert failed["attributes"]["error.type"] == "ValueError"
    (event,) = failed["events"]
    assert event["attributes"]["exception.message"] == "not at once"
    assert "in settle" in event["attributes"]["exception.stacktrace"]
    assert (done["status"]["status_code"], done["events"]) == ("UNSET", [])


def test_handlers_run_inside_their_span_and_see_the_carrier(traced_run: Found) -> None:
    """A sync handler tells which span it ran in; the stored carrier names the span of the start."""
    found = traced_run
    start, *attempts = spans_of(found, found["run"])
    output = found["output"]["settle"]
    ids = {span["context"]["span_id"].removeprefix("0x") for span in attempts}
    assert output["span"] in ids
    trace_id, span_id = (start["context"][name].removeprefix("0x") for name in ("trace_id", "span_id"))
    assert output["carrier"]["traceparent"].startswith(f"00-{trace_id}-{span_id}-")
    assert found["contexts"][found["run"]] == output["carrier"]


def test_runs_started_together_share_a_span(traced_run: Found) -> None:
    found = traced_run
    (start,) = [
        span for span in found["spans"] if span["attributes"].get("messaging.batch.message_count") == 2
    ]
    for run_id in found["batch"]:
        spans = spans_of(found, run_id)
        assert spans
        assert {span["parent_id"] for span in spans} == {start["context"]["span_id"]}


def test_metrics(traced_run: Found) -> None:
    found = traced_run
    (scope,) = found["metrics"]["resource_metrics"][0]["scope_metrics"]
    points = {metric["name"]: metric["data"]["data_points"] for metric in scope["metrics"]}
    tasks = {
        (point["attributes"]["step"], point["attributes"]["outcome"]): point["value"]
        for point in points["pgflow.tasks"]
    }
    assert tasks["double", "completed"] == 4
    assert tasks["settle", "retried"] >= 1
    assert tasks["settle", "completed"] == 3
    durations = points["pgflow.task.duration"]
    assert sum(point["count"] for point in durations) == sum(tasks.values())
    assert {"claim", "complete", "fail"} <= {
        point["attributes"]["call"] for point in points["pgflow.call.duration"]
    }
    assert {point["attributes"]["use"] for point in points["pgflow.slots.in_use"]} == {
        "busy",
        "reserved",
        "stuck",
    }


def test_without_a_set_up_nothing_is_loaded_or_stored(traced_project: Project, traced_dsn: str) -> None:
    """The API is installed here, and still is not imported."""
    found = run_program(traced_project, traced_dsn, "plain")
    assert found["modules"] == []
    assert found["output"]["settle"] == {"carrier": {}, "span": ""}
    assert set(trace_contexts(traced_dsn).values()) == {None}


CARRIERS = {
    '{"traceparent": "00-11111111111111111111111111111111-2222222222222222-01"}': {
        "traceparent": "00-11111111111111111111111111111111-2222222222222222-01"
    },
    '{"traceparent": 7, "tracestate": "a=b", "deep": {"x": "y"}}': {"tracestate": "a=b"},
    "null": {},
    "7": {},
    '["traceparent"]': {},
    "{": {},
}


@pytest.mark.parametrize("text", CARRIERS)
def test_carriers_are_texts_by_name(text: str) -> None:
    assert carrier_of(text) == CARRIERS[text]


def test_whatever_is_stored_as_a_trace_context_harms_no_task(
    traced_project: Project, traced_dsn: str
) -> None:
    hostile = [
        7,
        "x",
        [],
        {"traceparent": "garbage"},
        {"traceparent": {}},
        {"traceparent": "00-" + "f" * 9999},
    ]
    with psycopg.connect(traced_dsn) as connection:
        connection.execute(
            "select pgflow.start_flows('traced', array_fill('[1]'::jsonb, array[%s]), null, %s)",
            [len(hostile), [Jsonb(item) for item in hostile]],
        )
    run_program(traced_project, traced_dsn, "traced")
    with psycopg.connect(traced_dsn) as connection:
        rows = connection.execute("select status, count(*) from pgflow.runs group by 1").fetchall()
    counts = {str(status): int(count) for status, count in rows}
    assert counts.get("completed", 0) >= 3
    assert "failed" not in counts
