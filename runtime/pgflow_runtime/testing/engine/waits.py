"""Steps without a handler: what they wait for, and what has been sent to them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any

MOST_KEPT = 16
"""Payloads that one step of a run keeps until it is ready."""
YEAR_10_000 = 253_402_300_800
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(\.\d+)?"
    r"(?:([-+])([01]\d|2[0-3]):([0-5]\d)|[Zz])",
    re.ASCII,
)


@dataclass(frozen=True)
class WaitRule:
    """``sleep``: so many seconds, or until the time at a path whose first key is flow_input or a dependency.
    ``signal``: whatever is sent, for ``deadline`` seconds at most. ``pick``: nothing; it is over at once with
    what is at the path ``until`` of the run's input."""

    what: Literal["sleep", "signal", "pick"]
    seconds: int | None = None
    until: tuple[str, ...] = ()
    deadline: int | None = None

    def due(self, value: Json, since: float, now: float) -> float | None:
        """When it is over by itself, in seconds since 1970; None: never, or the value is no time."""
        if self.what == "pick":
            return now
        if self.what == "signal":
            return None if self.deadline is None else now + self.deadline
        return since + (self.seconds or 0) if not self.until else instant(value)


@dataclass
class Inbox:
    """What a signal step of a run has got."""

    kept: list[Json] = field(default_factory=list)  # not taken
    marks: set[str] = field(default_factory=set)

    def judge(self, status: str, mark: str | None) -> str:
        """What becomes of a signal for a step of that status in a started run; status '': in an ended one."""
        if mark is not None and mark in self.marks:
            return "duplicate"
        if status == "started":
            return "taken"
        if status != "created":
            return "late"
        return "kept" if len(self.kept) < MOST_KEPT else "full"


def at_path(value: Json, path: Sequence[str]) -> Json:
    """PostgreSQL's ``value #> path`` ; None where there is nothing."""
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and re.fullmatch(r"-?\d+", key) and -len(value) <= int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def instant(value: Json) -> float | None:
    """The time that a value means, in seconds since 1970: a text as in RFC 3339, or that number; or None."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float(value) if 0 <= value < YEAR_10_000 and math.isfinite(value) else None
    found = _INSTANT.fullmatch(value) if isinstance(value, str) and len(value) <= 100 else None
    if found is None:
        return None
    day, time, fraction, sign, hours, minutes = found.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC).timestamp()
    except ValueError:  # a day that the month has not
        return None
    offset = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    return whole + float(fraction or 0) - offset
