"""The tree of steps, and the words of a line, from readings made up here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from pgflow_runtime.runs.reading import Reading, Shape, TaskCounts
from pgflow_runtime.runs.snapshot import RunSnapshot
from pgflow_runtime.terminal.rows import step_rows
from pgflow_runtime.terminal.words import ago, duration, first_line, one_line, printable

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = START + timedelta(seconds=90)


def step(slug: str, status: str = "created", **more: Any) -> dict[str, Any]:
    started = None if status == "created" else START
    common = {"remaining_tasks": None, "initial_tasks": 1, "remaining_deps": 0, "started_at": started}
    return {"step_slug": slug, "status": status, **common, **more}


def reading(
    steps: list[dict[str, Any]],
    dependencies: dict[str, tuple[str, ...]],
    tasks: dict[str, TaskCounts] | None = None,
    *,
    status: str = "started",
    maps: frozenset[str] = frozenset(),
) -> Reading:
    run = {
        "run_id": UUID(int=1), "flow_slug": "f", "status": status, "input": {}, "output": None,
        "remaining_steps": 1, "started_at": START, "completed_at": None,
        "failed_at": NOW if status == "failed" else None,
    }  # fmt: skip
    shape = Shape(dependencies, dict.fromkeys(dependencies, 3), maps)
    return Reading(RunSnapshot.read({"run": run, "steps": steps}), shape, tasks or {})


def test_a_step_stands_below_its_deepest_dependency() -> None:
    steps = [step(slug) for slug in ("a", "b", "c", "d", "e")]
    dependencies = {"a": (), "b": ("a",), "c": ("a", "b"), "d": ("a",), "e": ()}
    rows = step_rows(reading(steps, dependencies), NOW)
    assert [f"{row.branch}{row.slug}" for row in rows] == ["a", "├─ b", "│  └─ c", "└─ d", "e"]


def test_a_waiting_step_says_what_for() -> None:
    steps = [step("a", "completed", completed_at=START), step("b", "started"), step("c")]
    rows = step_rows(reading(steps, {"a": (), "b": (), "c": ("a", "b")}), NOW)
    assert [(row.slug, row.status, row.notes) for row in rows][-1] == ("c", "waiting", ("after b",))


def test_steps_that_a_failed_run_did_not_come_to_do_not_wait() -> None:
    steps = [step("a", "failed", failed_at=NOW, error_message="ValueError: no\n  File x"), step("b")]
    first, second = step_rows(reading(steps, {"a": (), "b": ("a",)}, status="failed"), NOW)
    assert (first.time, first.notes) == ("1 min 30 s", ("ValueError: no",))
    assert (second.status, second.notes) == ("not run", ())


def test_a_maps_progress_counts_tasks() -> None:
    counts = {"m": TaskCounts(total=10, completed=4, started=3, failed=0, attempts=9)}
    steps = [step("m", "started", initial_tasks=10, remaining_tasks=6)]
    (row,) = step_rows(reading(steps, {"m": ()}, counts, maps=frozenset({"m"})), NOW)
    assert row.progress == (4, 10)
    assert row.notes == ("9 attempts", "3 at work")


@pytest.mark.parametrize(
    ("counts", "notes"),
    [
        (TaskCounts(total=1, completed=0, started=1, failed=0, attempts=1), ()),
        (
            TaskCounts(total=1, completed=1, started=0, failed=0, attempts=1, tolerated=1),
            ("failed, kept as a value",),
        ),
        (TaskCounts(total=1, completed=0, started=1, failed=0, attempts=1, round=4), ("round 4",)),
        (TaskCounts(total=1, completed=0, started=1, failed=0, attempts=2), ("attempt 2 of 3",)),
        (
            TaskCounts(total=1, completed=0, started=0, failed=0, attempts=1),
            ("attempt 1 of 3 failed, to be tried again",),
        ),
        (TaskCounts(total=1, completed=0, started=0, failed=0, attempts=0), ()),
    ],
)
def test_attempts_are_told_where_there_was_more_than_one(counts: TaskCounts, notes: tuple[str, ...]) -> None:
    (row,) = step_rows(reading([step("a", "started")], {"a": ()}, {"a": counts}), NOW)
    assert row.notes == notes


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 ms"), (0.0124, "12 ms"), (3.2, "3.20 s"), (42, "42.0 s"), (245, "4 min 05 s"),
        (7620, "2 h 07 min"), (277_200, "3 d 5 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(START, START + timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-9, "just now"), (59, "just now"), (60, "1 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")],
)
def test_how_long_ago(seconds: float, text: str) -> None:
    assert ago(START, START + timedelta(seconds=seconds)) == text


def test_what_a_terminal_would_obey_is_shown_instead() -> None:
    assert printable("a\x1b[31mb\r\x9bc\u202ed\te\n") == "a\\x1b[31mb\\r\\x9bc\\u202ed\te\n"
    assert one_line("a\n  b\x07", most=20) == "a b\\x07"
    assert one_line("x" * 30, most=10) == "xxxxxxx..."
    assert first_line("KeyError: 'a\nb'\n  File \"x.py\", line 1, in f\n    x") == "KeyError: 'a b'"
