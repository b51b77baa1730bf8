"""The parts of ``dev`` that need no process: sample inputs, what migrate said, how a log line is laid out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pgflow_gen.config import load_config
from pgflow_gen.dev.contracts import built_flows, sample
from pgflow_gen.dev.migrated import told
from pgflow_gen.dev.worklog import event_of, laid_out
from pgflow_runtime.contract import FlowContract
from tests.support.project import REPOSITORY

CASES = sorted((REPOSITORY / "tests" / "golden").glob("*/expected/**/schemas/*.json"))


@pytest.mark.parametrize(
    "path",
    CASES,
    ids=lambda path: f"{path.relative_to(REPOSITORY / 'tests' / 'golden').parts[0]}-{path.stem}",
)
def test_the_sample_fits_the_input_of_every_golden_flow(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    FlowContract(path).check_input(sample(document["properties"]["input"], document.get("$defs", {})))


def test_there_are_cases() -> None:
    assert len(CASES) > 5


def test_the_flows_are_found_by_what_was_generated() -> None:
    flows = {flow.name: flow for flow in built_flows(load_config(REPOSITORY))}
    assert flows["order_fulfilment"].target == "flows.order_fulfilment:order_fulfilment"
    given = flows["order_fulfilment"].sample
    assert given is not None
    assert isinstance(json.loads(given), dict)


def test_a_recursive_type_comes_to_an_end() -> None:
    children = {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
    tree = {"type": "object", "properties": {"children": children}, "required": ["children"]}
    assert sample({"$ref": "#/$defs/Tree"}, {"Tree": tree}) == {"children": []}


def test_what_migrate_did_is_told_in_few_words() -> None:
    report = {
        "pgmq": "bundled SQL 1.13.0",
        "core": ["0001_core.sql"],
        "flows": ["0001_a.sql", "0002_b.sql"],
        "recreated": ["a"],
        "notes": ["so"],
    }
    lines = ["a warning before it", *json.dumps(report, indent=2).splitlines()]
    assert told(lines) == [
        "installed pgmq and the core",
        "made flow 'a' anew; its runs are gone",
        "applied 0001_a.sql, 0002_b.sql",
        "note: so",
    ]
    quiet = {**report, "pgmq": "present", "core": [], "flows": [], "recreated": [], "notes": []}
    assert told(json.dumps(quiet, indent=2).splitlines()) == []
    assert told(["no JSON at all"]) == ["no JSON at all"]


def test_a_failures_traceback_stands_below_its_line() -> None:
    ids = "  flow=f run=01a203df-8f72-7ca9-909a-374703a9962e step=s task=0 attempt=2"
    line = json.dumps(
        {
            "time": "2026-11-28T12:00:00.250Z",
            "level": "error",
            "logger": "pgflow.worker",
            "message": 'failed after 0.2 ms: ValueError: no\n  File "f.py", line 1, in s\n    x',
            "flow": "f",
            "run": "01a203df-8f72-7ca9-909a-374703a9962e",
            "step": "s",
            "task": 0,
            "attempt": 2,
            "outcome": "failed",
        }
    )
    event = event_of(line)
    assert event is not None
    clock, _, text = laid_out(event).partition(" ")
    assert len(clock) == len("12:00:00")
    assert text == f'ERROR   failed after 0.2 ms: ValueError: no{ids}\n  File "f.py", line 1, in s\n    x'


def test_a_refusal_is_shown_with_its_way_out() -> None:
    event = {"time": "2026-11-28T12:00:00.250Z", "level": "error", "message": "no", "help": "do"}
    assert laid_out(event).endswith(" ERROR   no\nhelp: do")


@pytest.mark.parametrize(
    "line", ["serving shop as vm", "a\\nb", "", "[1]", '{"message": "mine"}', "[" * 100_000]
)
def test_what_handlers_print_is_no_event(line: str) -> None:
    assert event_of(line) is None
