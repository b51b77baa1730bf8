"""Runs of a database as a recording, piece by piece: no more than one value is in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import UUID

import psycopg

from pgflow_runtime.database import queries
from pgflow_runtime.errors import RunNotFound, UsageError
from pgflow_runtime.runs.documents import NOTHING
from pgflow_runtime.runs.events import derive
from pgflow_runtime.runs.snapshot import RunSnapshot
from pgflow_runtime.testing.engine.stored import store, text_of
from pgflow_runtime.testing.recordings.redaction import Made, Redaction
from pgflow_shared.structure import structure_hash

SHAPE_KEYS = ("kind", "subflow", "array", "undo")
"""What the structure says of some steps beside type and dependencies."""
AT_ONCE = 1_000
"""Children that are listed at a time."""
FORMAT = 1
"""The version of what a recording looks like (docs/reference/recording.md)."""


@dataclass(frozen=True, slots=True)
class FlowOfProject:
    """A flow as the exporting project knows it: ``module:name``, and a hash of all its types."""

    flow: str
    types_hash: str


def recording(
    connection: psycopg.Connection[Any],
    run_ids: Iterable[UUID],
    redaction: Redaction,
    known: Callable[[str], FlowOfProject | None],
) -> Iterator[str]:
    """The text of a recording.

    Args:
        connection: in a transaction that sees one state of the database.
        known: from a flow's slug in the database to what the project says of it.

    Raises:
        RunNotFound: there is no such run.
        UsageError: a value is nested too deeply to be redacted, or no run has a step that a path leads into.
    """
    yield f'{{\n"pgflow_recording": {FORMAT},\n"runs": ['
    for number, run_id in enumerate(run_ids):
        yield ",\n" if number else "\n"
        yield from _Export(connection, run_id, redaction, known).pieces()
    redaction.require_known()
    yield "\n]\n}\n"


class _Export:
    """One run."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        run_id: UUID,
        redaction: Redaction,
        known: Callable[[str], FlowOfProject | None],
    ) -> None:
        self._connection, self._run_id, self._redaction = connection, run_id, redaction
        values = {"run_ids": [run_id], "known": "{}", "max_bytes": NOTHING}
        row = connection.execute(queries.GET_PROGRESS, values).fetchone()
        if row is None:
            raise RunNotFound(f"there is no run {run_id} in this database")
        self._document: dict[str, Any] = json.loads(row[1])
        self._slug: str = self._document["run"]["flow_slug"]
        row = connection.execute(queries.GET_DEFINITION, {"flow_slug": self._slug}).fetchone()
        assert row is not None
        self._structure: dict[str, Any] = row[0]["structure"]
        self._known = known(self._slug)

    def pieces(self) -> Iterator[str]:
        run = RunSnapshot.read({**self._document, "run": {**self._document["run"], "input": None}})
        yield "{\n"
        for key, value in self._head(run).items():
            yield f'"{key}": {_json(value)},\n'
        yield f'"input": {self._value(None, "input")},\n'
        events = [
            {"at": event.at.isoformat(), "event": _name(event)}
            for event in derive(None, run, {step["slug"]: step["dependencies"] for step in self._steps()})
        ]
        yield '"events": [\n' + ",\n".join(map(_json, events)) + "\n],\n"
        yield '"steps": {'
        for number, row in enumerate(self._document["steps"]):
            yield ",\n" if number else "\n"
            yield from self._step(row, run.is_final)
        yield "\n}\n}"

    def _steps(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = self._structure["steps"]
        return steps

    def _head(self, run: RunSnapshot) -> dict[str, Any]:
        row = self._document["run"]
        origin = row.get("origin") or {}
        (core, _) = self._connection.execute(queries.CORE_VERSION).fetchone() or (None, None)
        head = {
            "run_id": str(self._run_id),
            "flow_slug": self._slug,
            "flow": self._known and self._known.flow,
            "status": run.status,
            "error": self._redaction.error(run.error_message),
            "cancel_reason": run.cancel_reason,
            "started_at": run.started_at.isoformat(),
            "ended_at": _iso(run.ended_at),
            "forked_from": origin.get("from_run_id") if origin.get("kind") == "fork" else None,
            "structure_hash": structure_hash(self._structure),
            "types_hash": self._known and self._known.types_hash,
            "versions": {"pgflow_gen": _own_version(), "core": core},
            "redacted": list(self._redaction.paths),
        }
        return {key: value for key, value in head.items() if value not in (None, [])}

    def _step(self, row: dict[str, Any], is_over: bool) -> Iterator[str]:
        self._redaction.slugs.add(row["step_slug"])
        slug, is_complete = row["step_slug"], row["status"] == "completed"
        (shape,) = (step for step in self._steps() if step["slug"] == slug)
        is_open = row["status"] in ("created", "started")
        facts = {
            "type": shape["type"],
            **{key: shape.get(key) for key in SHAPE_KEYS},
            "depends_on": shape["dependencies"],
            "status": "cancelled" if is_over and is_open else row["status"],
            "skip_reason": row["skip_reason"],
            "error": self._redaction.error(row["error_message"]),
            "reused": row["reused"] or None,
            "started_at": row["started_at"],
            "ended_at": next((row[at] for at in _ENDS if row[at] is not None), None),
        }
        told = {key: value for key, value in facts.items() if value is not None}
        yield f"{_json(slug)}: {{\n{_json(told)[1:-1]}"
        if is_complete:
            yield f',\n"output": {self._value(slug, "output", is_list=shape["type"] == "map")}'
        yield ',\n"tasks": ['
        children = self._children(slug) if shape.get("kind") == "subflow" else {}
        for number, task in enumerate(self._tasks(slug, is_complete, children)):
            yield f"{',' if number else ''}\n{task}"
        yield "]\n}"

    def _children(self, slug: str) -> dict[int, tuple[int, UUID]]:
        """Of each task the last child: the attempt that started it, and its id."""
        found: dict[int, tuple[int, UUID]] = {}
        after: tuple[Any, ...] = (None, None, None)
        while after:
            names = ("after_step_slug", "after_task_index", "after_attempt")
            values = {"run_id": self._run_id, "step_slug": slug, "limit": AT_ONCE}
            rows = self._connection.execute(
                queries.LIST_CHILDREN, values | dict(zip(names, after, strict=True))
            ).fetchall()
            found |= {index: (attempt, run_id) for _, index, attempt, run_id, *_ in rows}
            after = rows[-1][:3] if len(rows) == AT_ONCE else ()
        return found

    def _tasks(self, slug: str, is_complete: bool, children: dict[int, tuple[int, UUID]]) -> Iterator[str]:
        """A text for each task. Of a step that completed, its output holds what they gave."""
        values = {"run_id": self._run_id, "step_slug": slug, "whole": not is_complete}
        rows: Iterable[Any] = self._connection.cursor().stream(queries.EXPORT_TASKS, values)
        if children:  # which are asked for in between
            rows = self._connection.execute(queries.EXPORT_TASKS, values).fetchall()
        for row in rows:
            index, status, attempts, requeued, ended_at, output, error, failures, forgiven, *more = row
            stalled_at, round, state = more
            task = {
                "index": index,
                "status": status,
                "attempts": attempts,
                "requeued": requeued or None,
                "forgiven": forgiven or None,
                "round": round,
                "stalled": True if stalled_at is not None else None,
                "ended_at": _iso(ended_at),
                "error": self._redaction.error(error) if status == "failed" else None,
                "failures": self._failures(failures),
            }
            text = _json({key: value for key, value in task.items() if value is not None})
            if output is not None and not is_complete:
                text = f'{text[:-1]}, "output": {self._redacted(output, slug)}}}'
            if state is not None:
                text = f'{text[:-1]}, "state": {self._redacted(state, slug, what="state")}}}'
            attempt, child = children.get(index, (None, None))
            if child is not None and attempt == attempts:
                text = f"{text[:-1]}, {self._child(slug, child)}}}"
            yield text

    def _child(self, slug: str, run_id: UUID) -> str:
        values = {"run_id": run_id, "step_slug": None, "kind": "input"}
        row = self._connection.execute(queries.GET_VALUE, values).fetchone()
        told = f'"child": {_json(str(run_id))}'
        if row is None or row[0] is None:  # deleted meanwhile
            return told
        return f'{told}, "child_input": {self._redacted(row[0], slug, what="child_input")}'

    def _failures(self, text: str | None) -> list[dict[str, Any]] | None:
        found = json.loads(text) if text is not None else None
        return found and [{**each, "error": self._redaction.error(each.get("error"))} for each in found]

    def _value(self, slug: str | None, kind: str, *, is_list: bool = False) -> str:
        values = {"run_id": self._run_id, "step_slug": slug, "kind": kind}
        row = self._connection.execute(queries.GET_VALUE, values).fetchone()
        text: str = row[0] if row is not None and row[0] is not None else "null"
        return self._redacted(text, slug, is_list=is_list)

    def _redacted(self, text: str, slug: str | None, *, is_list: bool = False, what: Made = "output") -> str:
        """The value's text; of what a step has made, or (None) of the input."""
        is_touched = self._redaction.touches_input() if slug is None else self._redaction.touches(slug, what)
        if not is_touched:
            return text
        try:
            value = store(text)
            if slug is None:
                return text_of(self._redaction.input(value))
            if is_list and isinstance(value, list):
                return text_of([self._redaction.made(slug, item, what) for item in value])
            return text_of(self._redaction.made(slug, value, what))
        except RecursionError:
            raise UsageError("a value is nested too deeply to be redacted") from None


_ENDS = ("completed_at", "failed_at", "skipped_at", "cancelled_at")


def _name(event: Any) -> str:
    """``run:started``, ``step:charge:completed``."""
    kind, _, status = event.event_type.partition(":")
    return event.event_type if kind == "run" else f"step:{event.step_slug}:{status}"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _own_version() -> str | None:
    try:
        return version("pgflow-gen")
    except PackageNotFoundError:
        return None
