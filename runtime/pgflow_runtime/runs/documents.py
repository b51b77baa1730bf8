"""A run as the database words it, read so that a value which Python cannot hold spoils nothing but itself.

Small values come within one document a run; those that are left out of it are asked for one by one.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Final

from pgflow_runtime.errors import UnreadableValue, UsageError

TOGETHER: Final = 262_144
"""Bytes, as they are stored, of the values of a run that come within its document."""
NOTHING: Final = -1
"""The same, where each value is to come alone."""
REFUSALS: Final = (ValueError, RecursionError, MemoryError)
"""How Python says that it cannot hold what a JSON text says."""


def why_unreadable(error: Exception, length: int) -> str:
    """Words for a JSON text of so many characters that Python has refused to read."""
    if isinstance(error, RecursionError):
        reason = "it is nested too deeply"
    elif "digits" in str(error) or "out of range" in str(error):
        reason = "a number in it has too many digits"
    else:
        reason = f"{type(error).__name__}: {error}"
    return f"cannot be read by Python: {reason} ({length:,} characters of JSON)"


def written_value(text: str, source: str, help: str | None = None) -> Any:
    """The value of JSON that a person wrote.

    Args:
        source: what the message calls the text.
        help: the way out where it is no JSON at all.

    Raises:
        UsageError: it is no JSON, or holds what no value here can.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise UsageError(f"{source} is not JSON: {error}", help=help) from error
    except REFUSALS as error:
        raise UsageError(f"{source} {why_unreadable(error, len(text))}") from error


def _no_constant(name: str) -> None:
    raise UsageError(
        f"{name} is no number of JSON", help="say null where there is none, if the type allows it"
    )


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        shown = digits if len(digits) <= 40 else f"{digits[:37]}..."
        raise UsageError(
            f"{shown} is too large for a float", help="the largest one is 1.7976931348623157e308"
        )
    return number


def document_of(text: str) -> dict[str, Any] | None:
    """The document; None where one of the values in it cannot be read."""
    try:
        document: dict[str, Any] = json.loads(text)
    except REFUSALS:
        return None
    return document


def value_of(text: str | None, what: str) -> Any:
    """The value of a JSON text; an UnreadableValue, not raised, for one that Python cannot hold."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except REFUSALS as error:
        return UnreadableValue(f"{what} {why_unreadable(error, len(text))}")


def put(document: dict[str, Any], step_slug: str | None, output: Any) -> None:
    """Add the output that was left out: of a step, or (None) of the run."""
    if step_slug is None:
        document["run"]["output"] = output
    for row in document["steps"]:
        if row["step_slug"] == step_slug:
            row["output"] = output


def name_of(step_slug: str | None, kind: str) -> str:
    """``the run's input``, ``the output of step 'fetch'``."""
    return f"the run's {kind}" if step_slug is None else f"the {kind} of step {step_slug!r}"


def readable(value: Any) -> Any:
    """The value. Raises the UnreadableValue that stands in its place."""
    if isinstance(value, UnreadableValue):
        raise value.with_traceback(None)
    return value


def shown(value: Any) -> Any:
    """The value for a JSON document that people or programs read: of one that cannot be read, why."""
    return {"unreadable": value.message} if isinstance(value, UnreadableValue) else value
