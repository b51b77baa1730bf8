"""Values that JSON has no form for of its own, as texts: times, UUIDs, decimals, bytes, paths.

Their texts are those of the patterns that the contract has for them, so that every language reads and writes
the same (specification/language.md, "Scalars as texts").
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from uuid import UUID

_DURATION = re.compile(
    r"(-)?P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:\.([0-9]{1,6}))?S)?)?"
)
_DAY = 86_400_000_000
"""Microseconds."""


class Scalar(NamedTuple):
    """A type of Python, and how its values become texts and come back; both raise ValueError.

    ``decode`` may raise ArithmeticError, too, of numbers that are too large.
    """

    name: str
    module: str
    type: type[Any]
    """What its values are instances of."""
    encode: Callable[[Any], str]
    decode: Callable[[str], Any]

    def make(self, *positional: Any, **named: Any) -> Any:
        """What its class makes of arguments. Raises what that does."""
        return (Path if self.type is PurePath else self.type)(*positional, **named)


def _datetime(value: datetime) -> str:
    offset = value.utcoffset()
    if offset is None:
        raise ValueError(
            f"is naive: {value.isoformat()} is no moment without its time zone; write datetime.now(UTC),"
            " or value.replace(tzinfo=...)"
        )
    # RFC 3339 knows hours and minutes of an offset only; some zones of long ago have seconds.
    return (value if offset.total_seconds() % 60 == 0 else value.astimezone(UTC)).isoformat()


def _date(value: date) -> str:
    if isinstance(value, datetime):
        raise ValueError("is a datetime where a date is promised; write value.date()")
    return value.isoformat()


def _time(value: time) -> str:
    if value.tzinfo is not None:
        raise ValueError("is a time of day with a zone; send a datetime, or value.replace(tzinfo=None)")
    return value.isoformat()


def _timedelta(value: timedelta) -> str:
    left = value // timedelta(microseconds=1)
    sign, left = ("-" if left < 0 else ""), abs(left)
    days, left = divmod(left, _DAY)
    hours, left = divmod(left, 3_600_000_000)
    minutes, left = divmod(left, 60_000_000)
    seconds, fraction = divmod(left, 1_000_000)
    shown = f"{seconds}.{fraction:06}".rstrip("0") if fraction else str(seconds)
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{shown}S" if left else ""]
    clock = "".join(parts) or ("" if days else "0S")
    return f"{sign}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"


def _to_timedelta(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration")
    sign, days, hours, minutes, seconds, fraction = found.groups(default="0")
    value = timedelta(
        days=int(days),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(fraction.ljust(6, "0")),
    )
    return -value if sign == "-" else value


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"is {value}, which is no number")
    return str(value)


def _to_bytes(text: str) -> bytes:
    return b64decode(text, validate=True)


_ALL = (
    Scalar("datetime", "datetime", datetime, _datetime, datetime.fromisoformat),
    Scalar("date", "datetime", date, _date, date.fromisoformat),
    Scalar("time", "datetime", time, _time, time.fromisoformat),
    Scalar("timedelta", "datetime", timedelta, _timedelta, _to_timedelta),
    Scalar("UUID", "uuid", UUID, str, UUID),
    Scalar("Decimal", "decimal", Decimal, _decimal, Decimal),
    Scalar("bytes", "builtins", bytes, lambda value: b64encode(value).decode(), _to_bytes),
    Scalar("Path", "pathlib", PurePath, str, Path),
)
SCALARS = {scalar.name: scalar for scalar in _ALL}
