"""The trail in words: who did what to a run or a flow, when, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pgflow_runtime.dashboard import text
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.reader import Reader

SHOWN = 20
"""Entries on a page, the latest first."""


class TrailEntry(NamedTuple):
    at: datetime
    who: str
    what: str
    outcome: str
    remark: str
    other: UUID | None
    """Of a fork: the run at its other end."""


async def read_trail(
    reader: Reader, *, run_id: UUID | None = None, flow: str | None = None
) -> list[TrailEntry]:
    """The latest entries of a run or of a flow."""
    rows = await reader.rows(statements.ACTIONS, run_id=run_id, flow=flow, limit=SHOWN)
    return [_entry(row, run_id) for row in rows]


def _entry(row: Mapping[str, Any], run_id: UUID | None) -> TrailEntry:
    is_fork = row["action"] == "fork"
    others = [other for other in row["run_ids"] if other != run_id] if is_fork else []
    count = 1 if is_fork else row["run_count"]
    return TrailEntry(
        row["at"],
        row["actor"] or row["session_role"],
        f"{row['action']}, {text.count(count)} runs" if count > 1 else row["action"],
        _outcome(row, count),
        "; ".join(_remarks(row["arguments"])),
        others[0] if len(others) == 1 else None,
    )


def _outcome(row: Mapping[str, Any], count: int) -> str:
    if "changed" in row["arguments"]:
        return "done" if row["arguments"]["changed"] else "nothing to do"
    words = {name.replace("_", " "): number for name, number in row["outcome"].items()}
    if count == 1:
        return ", ".join(words)
    return ", ".join(f"{text.count(number)} {name}" for name, number in words.items())


def _remarks(arguments: Mapping[str, Any]) -> list[str]:
    """What was said along with it: a reason, steps, seconds, a filter."""
    said = {name: value for name, value in arguments.items() if name not in ("changed", "filter")}
    reason = said.pop("reason", None)
    parts = [] if reason is None else [str(reason)]
    parts += [_remark(name, value) for name, value in said.items()]
    filter = arguments.get("filter")
    return parts + (_remarks(filter) if isinstance(filter, dict) else [])


def _remark(name: str, value: Any) -> str:
    if name == "spread":
        return f"spread over {text.duration(value)}"
    label = name.replace("_", " ")
    if name in ("started_after", "started_before"):
        return f"{label} {_moment(value)}"
    if isinstance(value, list):
        return f"{label}: {', '.join(map(str, value))}"
    return f"{label}: {value}"


def _moment(value: object) -> str:
    """A time of a filter, in whatever form it was given."""
    try:
        return f"{text.moment(datetime.fromisoformat(str(value)))} UTC"
    except ValueError:
        return str(value)
