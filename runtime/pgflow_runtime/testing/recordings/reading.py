"""A recording as values: what the engine and the comparison need of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pgflow_runtime.contract.schema import SchemaCheck
from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing.engine.stored import Stored, store
from pgflow_runtime.testing.recordings.export import FORMAT, SHAPE_KEYS
from pgflow_shared.system.files import NotText, read_text

SCHEMA = Path(__file__).with_name("recording.schema.json")


@dataclass(frozen=True, slots=True)
class RecordedTask:
    """One task. ``output`` counts where ``has_output``: null is one, too."""

    status: str
    attempts: int
    requeued: int
    forgiven: int
    is_stalled: bool
    ended_at: str | None
    error: str | None
    round: int
    state: Stored
    has_output: bool
    output: Stored
    has_child: bool = False
    """Whether it has started one, of which it is known with what."""
    child_input: Stored = None

    @property
    def has_ended(self) -> bool:
        return self.status in ("completed", "failed")


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One step. ``output`` counts where it completed."""

    type: str
    kind: str
    """``task``, ``signal``, ``sleep``, ..."""
    dependencies: tuple[str, ...]
    status: str
    skip_reason: str | None
    error: str | None
    is_reused: bool
    ended_at: str | None
    output: Stored
    tasks: Mapping[int, RecordedTask]
    shape: Mapping[str, str] = field(default_factory=dict)
    """What the structure says of it beside type and dependencies."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One run. Values are as the engine stores them."""

    run_id: str
    flow_slug: str
    status: str
    error: str | None
    cancel_reason: str | None
    input: Stored
    events: tuple[str, ...]
    redacted: tuple[str, ...]
    steps: Mapping[str, RecordedStep]

    @property
    def structure(self) -> Mapping[str, Any]:
        """As a contract words it."""
        steps = [
            {"slug": slug, "type": step.type, "dependencies": sorted(step.dependencies), **step.shape}
            for slug, step in sorted(self.steps.items())
        ]
        return {"steps": steps}

    @property
    def culprit(self) -> tuple[str | None, int | None]:
        """The step that failed the run, and its task, if it was one; as ``pgflow.get_run_failure`` says."""
        failed = [(slug, step) for slug, step in self.steps.items() if step.status == "failed"]
        if self.status != "failed" or not failed:
            return None, None
        slug, step = min(
            failed, key=lambda each: (each[1].error != self.error, each[1].ended_at or "", each[0])
        )
        tasks = [(index, task) for index, task in step.tasks.items() if task.status == "failed"]
        first = min(
            tasks,
            key=lambda each: (each[1].error != step.error, each[1].ended_at or "", each[0]),
            default=None,
        )
        return slug, first[0] if first is not None else None


def read_recordings(path: str | os.PathLike[str]) -> list[Recording]:
    """The runs of a file that ``pgflow-gen runs export`` wrote. Raises UsageError for any other."""
    try:
        text = read_text(Path(path))
    except OSError as error:
        raise UsageError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from None
    except NotText as error:
        raise UsageError(f"cannot read {os.fspath(path)}: {error}") from None
    return recordings_of(text, os.fspath(path))


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """The only run of a file. Raises UsageError for a file of none or of several, too."""
    found = read_recordings(path)
    if len(found) != 1:
        raise UsageError(
            f"{os.fspath(path)} holds {len(found)} runs, a test follows one",
            help="export it alone: pgflow-gen runs export RUN_ID -o FILE",
        )
    return found[0]


def recordings_of(text: str, source: str) -> list[Recording]:
    """The runs of a recording's text; ``source`` is what messages call it. Raises UsageError."""
    try:
        document = json.loads(text)
        _check(document, source)
        stored: Any = store(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{source} is no recording: {error}") from None
    return [_run(run) for run in stored["runs"]]


def _check(document: Any, source: str) -> None:
    number = document.get("pgflow_recording") if isinstance(document, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise UsageError(
            f"{source} has format {number}, this program knows {FORMAT}", help="use a newer pgflow-gen"
        )
    fault = _schema().first_fault(document)
    if fault is not None:
        raise UsageError(
            f"{source} is no recording: {fault.path} {fault.reason}",
            help="make one with `pgflow-gen runs export RUN_ID -o FILE`",
        )


@cache
def _schema() -> SchemaCheck:
    schema = json.loads(read_text(SCHEMA))
    return SchemaCheck(schema, schema["$defs"], root="recording")


def _run(run: Mapping[str, Any]) -> Recording:
    return Recording(
        run_id=run["run_id"],
        flow_slug=run["flow_slug"],
        status=run["status"],
        error=run.get("error"),
        cancel_reason=run.get("cancel_reason"),
        input=run["input"],
        events=tuple(event["event"] for event in run.get("events", ())),
        redacted=tuple(run.get("redacted", ())),
        steps={slug: _step(step) for slug, step in run["steps"].items()},
    )


def _step(step: Mapping[str, Any]) -> RecordedStep:
    is_complete, is_map = step["status"] == "completed", step["type"] == "map"
    output = step.get("output")
    tasks: dict[int, RecordedTask] = {}
    for task in step["tasks"]:
        index = int(task["index"])
        if is_complete:
            task = {**task, "output": _element(output, index) if is_map else output}
        tasks[index] = _task(task)
    return RecordedStep(
        type=step["type"],
        kind=step.get("kind", "task"),
        dependencies=tuple(step["depends_on"]),
        status=step["status"],
        skip_reason=step.get("skip_reason"),
        error=step.get("error"),
        is_reused=bool(step.get("reused")),
        ended_at=step.get("ended_at"),
        output=output,
        tasks=tasks,
        shape={key: step[key] for key in SHAPE_KEYS if key in step},
    )


def _element(output: Stored, index: int) -> Stored:
    return output[index] if isinstance(output, list) and index < len(output) else None


def _task(task: Mapping[str, Any]) -> RecordedTask:
    return RecordedTask(
        status=task["status"],
        attempts=int(task["attempts"]),
        requeued=int(task.get("requeued", 0)),
        forgiven=int(task.get("forgiven", 0)),
        is_stalled=bool(task.get("stalled")),
        ended_at=task.get("ended_at"),
        error=task.get("error"),
        round=int(task.get("round", 1)),
        state=task.get("state"),
        has_output="output" in task,
        output=task.get("output"),
        has_child="child_input" in task,
        child_input=task.get("child_input"),
    )
