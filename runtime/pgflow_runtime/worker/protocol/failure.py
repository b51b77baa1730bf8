"""An exception as the text that is stored with a failed task."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType

import psycopg

from pgflow_runtime.database.store import from_psycopg
from pgflow_runtime.secrets import hidden

MAX_BYTES = 10_240
"""Longest stored message, in bytes of UTF-8."""
FRAMES = 6
"""The last frames of a traceback that are kept."""
CHAIN = 3
"""Exceptions that are told of behind one: its cause, the cause's, ..."""
INNER = 3
"""Exceptions of a group that are told of."""
DEPTH = 3
"""Groups within groups that are looked into."""
NOTES = 5
LINE_BYTES = 1_000
"""Longest text of one exception or note where the message has to tell of several."""
_OWN = f"{Path(__file__).parents[2]}{os.sep}"
"""Frames of the runtime say nothing about a handler."""


def describe(error: BaseException) -> str:
    """``Type: text``, its notes, what caused it, the last frames of the tracebacks, and of a group the same
    of the first exceptions in it; 10 kB at most.

    Never raises, whatever the exception's own methods do; holds nothing that PostgreSQL's text cannot.
    """
    lines = _lines(error, DEPTH)
    if isinstance(error, BaseExceptionGroup):
        lines[0] = cut(clean(lines[0]), MAX_BYTES // 4)  # so that there is room for what is in it
    return cut(hidden(clean("\n".join(lines))))


def headline(error: BaseException) -> str:
    """``Type: text``, on one line when the text is; of a group also what is first in it."""
    name, text = _name(error), _text(error)
    line = f"{name}: {text}" if text else name
    inner = next(iter(_inner(error)), None)
    return hidden(f"{line}; {_short(inner)}" if inner is not None else line)


def in_words(error: Exception, conninfo: str | None = None) -> str:
    """What the database said, or what else went wrong, for a line of the log."""
    return str(from_psycopg(error, conninfo)) if isinstance(error, psycopg.Error) else headline(error)


def leaf(error: BaseException) -> BaseException:
    """The only exception in a group of one, however deep; else the error itself.

    ``asyncio.TaskGroup`` makes a group of a single failure, which means what that failure means.
    """
    while len(inner := _inner(error)) == 1:
        (error,) = inner
    return error


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


def _lines(error: BaseException, depth: int) -> list[str]:
    lines = [headline(error) if depth == DEPTH else _short(error)]
    try:
        lines += _details(error, depth)
    except BaseException as fault:  # attributes of a handler's exception class may do anything
        lines.append(f"(the rest cannot be had: {_name(fault)})")
    return lines


def _details(error: BaseException, depth: int) -> Iterator[str]:
    yield from _notes(error)
    chain = list(_chain(error))
    for word, other in chain:
        yield f"{word} {_short(other)}"
    yield from _frames(error.__traceback__)
    for _, other in chain:
        frames = _frames(other.__traceback__)
        if frames:
            yield f"where {_name(other)} was raised:"
            yield from frames
    inner = _inner(error)
    for number, other in enumerate(inner[:INNER] if depth else (), 1):
        first, *rest = _lines(other, depth - 1)
        yield f"{number} of {len(inner)}: {first}"
        yield from rest
    if depth and len(inner) > INNER:
        yield f"and {len(inner) - INNER:,} more in {_name(error)}"


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """What an exception came from, the nearest first, each once."""
    seen = {id(error)}
    for _ in range(CHAIN):
        other = error.__cause__
        word = "caused by"
        if other is None and not error.__suppress_context__:
            other, word = error.__context__, "while handling"
        if other is None or id(other) in seen:
            return
        yield word, other
        seen.add(id(other))
        error = other


def _inner(error: BaseException) -> tuple[BaseException, ...]:
    if not isinstance(error, BaseExceptionGroup):
        return ()
    inner: tuple[BaseException, ...] = BaseExceptionGroup.exceptions.__get__(error)  # whatever its class says
    return inner


def _notes(error: BaseException) -> Iterator[str]:
    notes = getattr(error, "__notes__", None)
    for note in islice(notes, NOTES) if isinstance(notes, list) else ():
        if isinstance(note, str):
            yield f"note: {cut(clean(str.__str__(note)), LINE_BYTES)}"


def _short(error: BaseException) -> str:
    """The headline of one exception among several."""
    text = _text(error)
    return cut(clean(f"{_name(error)}: {text}" if text else _name(error)), LINE_BYTES)


def _text(error: BaseException) -> str:
    try:
        return str.__getitem__(str(error), slice(MAX_BYTES + 1))  # a str, no subclass; it may be huge
    except BaseException as fault:  # a handler's exception class may do anything
        return f"(its text cannot be had: __str__ raised {_name(fault)})"


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
