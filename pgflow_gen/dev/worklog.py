"""The worker's log: read as JSON, and laid out for somebody who sits before it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

_IDS: Final = ("flow", "run", "step", "task", "attempt")


def event_of(line: str) -> dict[str, Any] | None:
    """What a line of the log says; None for a line that somebody else has printed."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and {"time", "level", "message"} <= found.keys() else None


def laid_out(event: dict[str, Any]) -> str:
    """Time, level, message and ids in a line; what more there is, such as a traceback, below it."""
    first, *rest = str(event["message"]).split("\n")
    ids = "".join(f" {key}={event[key]}" for key in _IDS if key in event)
    lines = [f"{_clock(event['time'])} {str(event['level']).upper():<7} {first}" + (f" {ids}" if ids else "")]
    lines += rest
    if "exception" in event:
        lines.append(str(event["exception"]))
    if "help" in event:
        lines.append(f"help: {event['help']}")
    return "\n".join(lines)


def _clock(time: object) -> str:
    """The time of day where we are, of a time in UTC."""
    try:
        return datetime.fromisoformat(str(time)).astimezone().strftime("%H:%M:%S")
    except (ValueError, OverflowError):
        return str(time)
