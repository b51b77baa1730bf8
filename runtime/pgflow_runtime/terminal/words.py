"""Times, counts and foreign texts, as they stand in a line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pgflow_runtime.errors import UnreadableValue
from pgflow_runtime.runs.kin import RunOrigin
from pgflow_runtime.runs.snapshot import Wait

SHOWN = 60_000
"""Characters of a value that are shown; ``--json`` has all of them."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal might obey, or show in an order that misleads; line breaks and tabs may stay."""


def duration(start: datetime, end: datetime) -> str:
    """``12 ms``, ``3.20 s``, ``4 min 05 s``, ``2 h 07 min``, ``3 d 4 h``."""
    seconds = max((end - start).total_seconds(), 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, roughly: ``just now``, ``5 min ago``, ``3 d ago``."""
    passed = now - moment
    if passed < timedelta(minutes=1):
        return "just now"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        count = int(passed.total_seconds()) // size
        if count:
            return f"{count} {unit} ago"
    raise AssertionError(passed)


def clock(moment: datetime) -> str:
    """Local date and time to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def wait_words(wait: Wait) -> str:
    """What a step that is started waits for, and until when."""
    until = clock(wait.until) if wait.until is not None else None
    match wait.waits_for:
        case "signal":
            key = f" with key {one_line(wait.key, 60)}" if wait.key is not None else ""
            return f"waits for somebody{key}" + (f" until {until}" if until else "")
        case "sleep":
            return f"sleeps until {until}"
        case "child":
            return "waits for the runs it started" if wait.count > 1 else "waits for the run it started"
        case "round":
            return f"waits for its next round at {until}" if until else "waits for its next round"
        case _:
            return f"waits until {until}" if until else "waits"


def origin_words(origin: RunOrigin) -> str:
    """Where a run comes from: ``child of bills[3] of run 0199...``."""
    match origin.kind:
        case "child":
            index = f"[{origin.task_index}]" if origin.task_index else ""
            return f"child of {origin.step_slug}{index} of run {origin.from_run_id}"
        case "fork":
            return f"forked from run {origin.from_run_id}"
        case "schedule":
            due = f", due at {clock(origin.fire_at)}" if origin.fire_at is not None else ""
            return f"schedule {origin.schedule_slug}{due}"
        case _:
            again = f", its {ordinal(origin.attempt)} end" if (origin.attempt or 1) > 1 else ""
            return f"{origin.kind} of run {origin.from_run_id}{again}"


def ordinal(number: int | None) -> str:
    """``2nd``, ``13th``."""
    count = number or 0
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{count}{'th' if 10 < count % 100 < 14 else endings.get(count % 10, 'th')}"


def list_words(row: Mapping[str, Any]) -> str | None:
    """Why a run of a list does nothing at present; None where it works, or has ended."""
    if row["begins_at"] is not None:
        return f"due at {clock(row['begins_at'])}"
    if row["waits_for"] is None:
        return None
    until = f" until {clock(row['waits_until'])}" if row["waits_until"] is not None else ""
    return f"waits for {row['waits_for']}{until}"


def next_words(row: Mapping[str, Any]) -> str:
    """When a schedule of a list fires next."""
    if row["is_paused"]:
        return "paused"
    return f"next {clock(row['next_fire'])}" if row["next_fire"] is not None else "never again"


def last_words(row: Mapping[str, Any]) -> str:
    """What became of a schedule's last fire, and why it failed."""
    if row["last_outcome"] is None:
        return "never fired"
    at = f" {clock(row['last_fire'])}" if row["last_fire"] is not None else ""
    why = f": {first_line(row['error_message'])}" if row["error_message"] else ""
    return f"last{at} {row['last_outcome']}{why}"


def printable(text: str) -> str:
    """A text from a handler or an input, without what a terminal would take for a command."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str, most: int = 200) -> str:
    """The text's words on one line, cut when there are too many."""
    flat = " ".join(printable(text).split())
    return flat if len(flat) <= most else f"{flat[: most - 3]}..."


def first_line(text: str) -> str:
    """What an error says before it shows where: our messages end with the frames of a traceback."""
    return one_line(re.split(r"\n  File ", text, maxsplit=1)[0])


def value_text(value: Any, indent: int | None = None) -> str:
    """A value's JSON, cut where it is long; of one that Python cannot hold, why."""
    if isinstance(value, UnreadableValue):
        return f"({one_line(value.message, 1000)})"
    text = printable(json.dumps(value, indent=indent, ensure_ascii=False))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n... {len(text) - SHOWN:,} more characters"
