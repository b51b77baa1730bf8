"""An exception as the text that is stored with a failed task."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from types import TracebackType

MAX_BYTES = 10_240
"""Longest stored message, in bytes of UTF-8."""
FRAMES = 6
"""The last frames of a traceback that are kept."""
_OWN = f"{Path(__file__).parents[1]}{os.sep}"
"""Frames of the runtime say nothing about a handler."""


def describe(error: BaseException) -> str:
    """``Type: text``, what caused it, and the last frames of the traceback, 10 kB at most.

    Never raises, whatever the exception's own methods do; holds nothing that PostgreSQL's text cannot.
    """
    try:
        return cut(clean("\n".join(_parts(error))))
    except Exception as fault:  # a handler's exception class may do anything
        return f"{_name(error)}: (cannot be described: {_name(fault)})"


def _parts(error: BaseException) -> list[str]:
    parts = [headline(error)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        parts.append(f"caused by {headline(cause)}")
    return parts + _frames(error.__traceback__)


def headline(error: BaseException) -> str:
    """``Type: text``, on one line when the text is."""
    try:
        text = str.__getitem__(str(error), slice(MAX_BYTES + 1))  # a str, no subclass; it may be huge
    except BaseException as fault:  # a handler's exception class may do anything
        text = f"(its text cannot be had: __str__ raised {_name(fault)})"
    name = _name(error)
    return f"{name}: {text}" if text else name


def _name(error: BaseException) -> str:
    """The class's name, whatever its metaclass says."""
    return str(type.__dict__["__name__"].__get__(type(error)))


def clean(text: str) -> str:
    """Without NUL characters and halves of surrogate pairs, which PostgreSQL cannot store."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def cut(text: str, limit: int = MAX_BYTES) -> str:
    """``text`` shortened to ``limit`` bytes of UTF-8, saying so."""
    data = text.encode()
    if len(data) <= limit:
        return text
    note = " ... (cut)"
    return data[: limit - len(note)].decode(errors="ignore") + note


def _frames(trace: TracebackType | None) -> list[str]:
    """The last frames outside the runtime itself, as ``  file:line in function``."""
    try:
        frames = traceback.extract_tb(trace)
    except Exception:  # a source file that cannot be read must not hide the failure
        return []
    own = [frame for frame in frames if not frame.filename.startswith(_OWN)]
    return [
        f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        + (f"\n    {frame.line}" if frame.line else "")
        for frame in own[-FRAMES:]
    ]
