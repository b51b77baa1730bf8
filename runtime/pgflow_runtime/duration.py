"""Durations as people write them: ``30d``, ``12h``, ``90m``, ``45s``."""

from __future__ import annotations

import re
from datetime import timedelta

from pgflow_runtime.errors import UsageError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(rf"(\d{{1,6}})([{''.join(_UNITS)}])", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """The duration a text means. Raises UsageError, which says how to write one."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{text!r} is no duration", help="write a number and a unit: 45s, 90m, 12h, 30d or 8w"
        )
    number, unit = found.groups()
    return timedelta(**{_UNITS[unit]: int(number)})
